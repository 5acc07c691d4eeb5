// Bundles the front end into copilot_widget/static; with `--dev`, readable and with the page of scenes, into dev/out.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dev = process.argv.includes("--dev");
const out = dev ? join(here, "dev", "out") : join(here, "..", "copilot_widget", "static");

/** What may not grow unseen: bytes, minified. The loader is copied into every widget, the rest is sent once a page. */
const LIMITS = { "loader.js": 3_000, "widget.js": 150_000 };

/** `import css from "./x.css"` gives its minified text: the style travels inside the bundle, once. */
const cssText = {
  name: "css-text",
  setup(plugins) {
    plugins.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: !dev, target: "es2022" });
      // esbuild leaves the blanks in the values of custom properties, where they mean nothing, and long names of colours.
      const short = code.replace(/([,(:]) +| +(?=\))/g, "$1").replaceAll("transparent", "#0000");
      return { contents: short, loader: "text" };
    });
  },
};

/**
 * marked ends with an instance of its own, which nothing can shake off, and which holds on to all of it. The page needs
 * the lexer (see src/markdown/lexer.ts): what comes after it, a fifth of marked, is left to the part markdown.js.
 */
const lexerOfMarked = {
  name: "lexer-of-marked",
  setup(plugins) {
    plugins.onLoad({ filter: /marked\.esm\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const instance = /;var \w+=new \w+;function \w+\(\w+,\w+\)\{return \w+\.parse\(/.exec(text);
      const lexer = /\bexport\{.*?(\w+) as Lexer\b/.exec(text);
      if (!instance || !lexer) throw new Error(`${path} is not the marked that this build knows`);
      const head = withoutPedantic(text.slice(0, instance.index));
      if (!head) throw new Error(`${path} has its pedantic rules where this build does not look`);
      return { contents: `${head};export{${lexer[1]} as Lexer};` };
    });
  },
};

/** Without the rules of marked's mode of 2004, which is never on here. Null where they cannot be found. */
function withoutPedantic(text) {
  const block =
    /,(\w+)=\{\.\.\.\w+,html:(?:(?!,\w+=\{\.\.\.)[\s\S])*?\.replace\("lheading",\w+\)\.getRegex\(\)\}(?=,)/.exec(text);
  const inline = /,(\w+)=\{\.\.\.\w+(?:,emStrong\w+:\w+){3},link:.*?,reflink:.*?\.getRegex\(\)\}(?=,)/.exec(text);
  if (!block || !inline) return null;
  return text
    .replace(block[0], "")
    .replace(inline[0], "")
    .replace(`pedantic:${block[1]}}`, "pedantic:null}")
    .replace(`pedantic:${inline[1]}}`, "pedantic:null}")
    .replaceAll("this.options.pedantic", "false");
}

/** Components in the part "assist" are drawn by the page's own Preact, which is lent to it (see src/assist/lent.ts). */
const lentPreact = {
  name: "lent-preact",
  setup(plugins) {
    const lent = join(here, "src/assist/lent.ts");
    plugins.onResolve({ filter: /^preact(?:\/hooks|\/jsx-runtime)?$|\/(?:context|services)\.ts$/ }, () => ({
      path: lent,
    }));
  },
};

const shared = {
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: !dev,
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [cssText],
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};

await mkdir(out, { recursive: true });

const parts = {
  loader: "src/loader.ts",
  widget: "src/widget.tsx",
  whole: "src/whole.ts",
  assist: "src/parts/assist.ts",
  html: "src/parts/html.ts",
  markdown: "src/parts/markdown.ts",
  colours: "src/parts/colours.ts",
  math: "src/parts/math.ts",
  sort: "src/parts/sort.ts",
  languages: "src/parts/languages.ts",
  document: "src/parts/desk.ts",
};
let failed = false;
for (const [name, entry] of Object.entries(parts)) {
  const own = { widget: [lexerOfMarked], whole: [lexerOfMarked], assist: [lentPreact] };
  const plugins = [cssText, ...(own[name] ?? [])];
  const result = await build({ ...shared, plugins, entryPoints: [join(here, entry)], write: false });
  const text = result.outputFiles[0].text;
  const file = `${name}.js`;
  await writeFile(join(out, `${file}.new`), text);
  await rename(join(out, `${file}.new`), join(out, file)); // a reader never sees half a file
  const size = Buffer.byteLength(text);
  const limit = LIMITS[file];
  const over = !dev && limit !== undefined && size > limit;
  failed ||= over;
  console.log(
    `${file.padEnd(14)} ${String(size).padStart(8)} B  gzip ${String(gzipSync(text, { level: 9 }).length).padStart(7)} B` +
      (limit ? `  limit ${limit}${over ? "  EXCEEDED" : ""}` : ""),
  );
}

for (const file of await readdir(out)) {
  if (!(file.replace(/\.js$/, "") in parts)) await rm(join(out, file)); // of an older build
}

/** `import math from "asset:math.js"`: a part built above, as text, for the page of scenes to deliver. */
const builtAsset = {
  name: "built-asset",
  setup(plugins) {
    plugins.onResolve({ filter: /^asset:/ }, ({ path }) => ({ path: join(out, path.slice(6)), namespace: "asset" }));
    plugins.onLoad({ filter: /./, namespace: "asset" }, async ({ path }) => ({
      contents: await readFile(path, "utf8"),
      loader: "text",
    }));
  },
};

if (dev) {
  await build({
    ...shared,
    plugins: [cssText, builtAsset],
    entryPoints: [join(here, "dev/page.ts")],
    outfile: join(out, "page.js"),
  });
}
if (failed) process.exit(1);
