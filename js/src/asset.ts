/** Parts of the front end that few pages need: math, rare languages. The kernel holds them; each comes once a page. */

/** Fetches one asset by its file name, as base64 of its gzipped text. */
export type FetchAsset = (name: string) => Promise<string>;

const modules = new Map<string, Promise<unknown>>();

/** The module `name` ("math.js"). A failed load is tried again at the next call. */
export function loadAsset<Module>(name: string, fetchAsset: FetchAsset): Promise<Module> {
  let module = modules.get(name);
  if (!module) {
    module = fetchAsset(name).then((data) => importGzipped(Uint8Array.from(atob(data), (char) => char.charCodeAt(0))));
    module.catch(() => modules.delete(name));
    modules.set(name, module);
  }
  return module as Promise<Module>;
}

/** Imports a gzipped ES module. */
export async function importGzipped(bytes: BlobPart): Promise<unknown> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(stream).blob();
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
