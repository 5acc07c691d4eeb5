/**
 * What each widget carries (`_esm`): finds the bundle, which one shared widget holds, and hands the model over.
 *
 * `initialize` must not wait for the bundle: a host delivers no message until it returns, and those that come
 * meanwhile would be lost. So it listens at once and keeps what comes; `render` waits.
 */
import { importGzipped } from "./asset.ts";
import type { AnyModel } from "./host.ts";
import type { Session, WidgetModule } from "./widget.tsx";

const ASSETS_GONE =
  "This copilot's view cannot be shown: the kernel has closed the widget that holds its code. Run the cell again.";

/** One copy of the bundle a page and version, whatever the number of widgets. */
async function bundle(model: AnyModel): Promise<WidgetModule> {
  const id = String(model.get("_assets")).replace("IPY_MODEL_", "");
  const assets = await model.widget_manager?.get_model?.(id);
  if (!assets) throw new Error("no assets model");
  const key = Symbol.for(`copilot_widget@${assets.get("hash")}`);
  const cache = globalThis as unknown as Record<symbol, Promise<WidgetModule> | undefined>;
  cache[key] ??= importGzipped(assets.get("bundle") as BlobPart) as Promise<WidgetModule>;
  cache[key].catch(() => delete cache[key]);
  return cache[key];
}

/** A factory: hosts call it once a model, so what it holds belongs to that model. */
export default () => {
  let session: Promise<Session>;
  return {
    initialize({ model }: { model: AnyModel }): () => void {
      const early: unknown[] = [];
      let receive = (message: unknown): unknown => early.push(message);
      model.on("msg:custom", (message) => receive(message));
      session = bundle(model).then(({ open }) => {
        const opened = open(model, early);
        receive = opened.receive;
        return opened;
      });
      session.catch((error) => console.warn("copilot_widget:", error));
      return () => session.then(({ close }) => close()).catch(() => undefined);
    },

    async render({ el }: { el: HTMLElement }): Promise<(() => void) | undefined> {
      try {
        return (await session).render(el);
      } catch {
        el.textContent = ASSETS_GONE;
        return undefined;
      }
    },
  };
};
