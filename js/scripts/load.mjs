/** Our TypeScript, as scripts use it. */
import { join } from "node:path";
import { build } from "esbuild";

/** The module `entry` (a path under src/), bundled as the page has it. */
export async function load(entry) {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "../src", entry)],
    bundle: true,
    write: false,
    format: "esm",
    minify: true,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
