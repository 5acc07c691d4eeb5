/**
 * After a restart: the kernel knows nothing of this page's views, but runs that are executed elsewhere go on.
 *
 * Once the extension is loaded there, the kernel makes a widget that follows them. Its session takes the place of the
 * old one in the page, with what the old one knew already: the logs are read from there on.
 */
import type { Context } from "./components/context.ts";
import { type AnyModel, type IopubMessage, kernelOf } from "./host.ts";
import { randomId, type Transport } from "./transport.ts";

/** Where a session is drawn, and what is drawn there; a later session takes it over. */
export interface Stage {
  elements: Set<HTMLElement>;
  /** The widgets whose outputs these elements are: the first one, and after restarts those that took over. */
  widgets: string[];
  context: Context;
}

/** What widgets that are still to come take over, by their ids. */
const left = new Map<string, Stage>();

/** What the session of `widget` takes over; undefined for most. */
export function inherit(widget: string): Stage | undefined {
  const stage = left.get(widget);
  left.delete(widget);
  return stage;
}

/** Leaves `stage` to a widget of the kernel that is there after a restart. */
export function goOnAfterRestart(model: AnyModel, transport: Transport, stage: Stage, signal: AbortSignal): void {
  let isWatching = false;
  transport.listen((connection) => {
    const { store } = stage.context;
    if (connection !== "gone" || isWatching || store.elsewhere.length === 0) return;
    isWatching = true;
    const watch = new AbortController();
    signal.addEventListener("abort", () => watch.abort());
    afterCells(model, watch.signal, () => {
      const heir = randomId();
      left.set(heir, stage);
      const runs = store.elsewhere;
      // No answer: the extension is not there yet, and the next cell may load it.
      transport.attach({ heir, runs, kind: store.view.kind }).then(
        (result) => {
          watch.abort();
          if ((result as { runs?: unknown[] }).runs?.length === 0) left.delete(heir); // no log knows them
        },
        () => left.delete(heir),
      );
    });
  });
}

/** Calls back at the end of each cell that may have loaded the extension: a kernel without it logs an error when asked. */
function afterCells(model: AnyModel, signal: AbortSignal, callback: () => void): void {
  const messages = kernelOf(model)?.iopubMessage;
  let cell: string | undefined;
  const onMessage = (_: unknown, { header, parent_header: parent, content }: IopubMessage) => {
    if (header.msg_type === "execute_input" && /copilot/i.test(String(content.code))) cell = parent.msg_id;
    else if (content.execution_state === "idle" && cell !== undefined && parent.msg_id === cell) {
      cell = undefined;
      callback();
    }
  };
  messages?.connect(onMessage);
  signal.addEventListener("abort", () => messages?.disconnect(onMessage));
}
