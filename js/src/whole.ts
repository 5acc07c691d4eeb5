/** Loader and bundle in one, for hosts whose pages cannot look another widget up, as marimo's. */
import { factory } from "./factory.ts";
import type { AnyModel } from "./host.ts";
import { styleShadow } from "./shadow.ts";
import { open, type Session } from "./widget.tsx";

function openAnywhere(model: AnyModel, early: readonly unknown[]): Session {
  const session = open(model, early);
  return {
    ...session,
    render(element) {
      const undraw = session.render(element);
      const unstyle = styleShadow(element);
      return () => {
        unstyle();
        undraw();
      };
    },
  };
}

export default factory(async () => ({ open: openAnywhere }));
