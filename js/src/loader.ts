/**
 * What each widget carries (`_esm`): finds the bundle, which one shared widget holds, and hands the model over.
 */
import { importGzipped } from "./asset.ts";
import { factory, SAVED } from "./factory.ts";
import type { AnyModel } from "./host.ts";
import type { WidgetModule } from "./widget.tsx";

/** One copy of the bundle a page and version, whatever the number of widgets. */
async function bundle(model: AnyModel): Promise<WidgetModule> {
  const id = String(model.get("_assets")).replace("IPY_MODEL_", "");
  const assets = await model.widget_manager?.get_model?.(id);
  if (!assets) throw new Error("no assets model");
  const code = assets.get("bundle") as ArrayBufferView<ArrayBuffer> | undefined;
  if (!code?.byteLength) throw SAVED;
  const key = Symbol.for(`copilot_widget@${assets.get("hash")}`);
  const cache = globalThis as unknown as Record<symbol, Promise<WidgetModule> | undefined>;
  cache[key] ??= importGzipped(code) as Promise<WidgetModule>;
  cache[key].catch(() => delete cache[key]);
  return cache[key];
}

export default factory(bundle);
