/**
 * What a host gets of a module's default export.
 *
 * `initialize` must not wait for the bundle: a host delivers no message until it returns, and those that come
 * meanwhile would be lost. So it listens at once and keeps what comes; `render` waits.
 */
import type { AnyModel } from "./host.ts";
import { Words } from "./strings.ts";
import type { Session, WidgetModule } from "./widget.tsx";

/** The widget's state came from the notebook's file, which cannot hold the bundle: there is no kernel to a view of it. */
export const SAVED = new Error("restored from a file");

/** A factory: hosts call it once a model, so what it holds belongs to that model. */
export const factory = (bundle: (model: AnyModel) => Promise<WidgetModule>) => () => {
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
      } catch (error) {
        el.textContent = Words.CodeGone; // not empty: an empty view hides its record
        if (error === SAVED) el.hidden = true; // its style belongs to the layout, which comes later
        return undefined;
      }
    },
  };
};
