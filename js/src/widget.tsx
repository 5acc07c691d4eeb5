/** The bundle's entry: one session a model, which may have any number of views. */
import { render } from "preact";
import { App } from "./components/app.tsx";
import { type Context, WidgetContext } from "./components/context.ts";
import { type AnyModel, canInsertCells, drawWidget, insertCell } from "./host.ts";
import type { Services } from "./markdown/services.ts";
import { recordRules } from "./record-rules.ts";
import { Requests } from "./requests.ts";
import { goOnAfterRestart, inherit, type Stage } from "./restart.ts";
import { watchSelection } from "./selection.ts";
import { Store } from "./store.ts";
import style from "./style.css";
import { Transport } from "./transport.ts";
import { toView } from "./view.ts";

const OURS = "data-lm-suppress-shortcuts";

export interface Session {
  /** Takes a custom message of the model. */
  receive(message: unknown): void;
  /** Draws a view into `element`; the function returned takes it away. */
  render(element: HTMLElement): () => void;
  close(): void;
}

export interface WidgetModule {
  open(model: AnyModel, early: readonly unknown[]): Session;
}

/** `early`: the messages that came while this bundle was loaded. */
export function open(model: AnyModel, early: readonly unknown[]): Session {
  const lifetime = new AbortController();
  const initial = toView(model.get("initial"));
  const transport = new Transport(model, initial.widget, lifetime.signal);
  const taken = inherit(initial.widget);
  const store = new Store(initial, transport, lifetime.signal, taken?.context.store);
  const services: Services = {
    fetchAsset: async (name) => ((await transport.send("asset", { name })) as { data: string }).data,
    insertCell: canInsertCells(model) ? (code) => insertCell(model, stage.widgets, code) : null,
    undo: (run, callId) => requests.undo(run, callId),
    drawWidget: (id, element) => drawWidget(model, id, element),
  };
  const stage: Stage = taken ?? { elements: new Set(), widgets: [], context: { store, services } };
  stage.widgets.push(initial.widget);
  const requests = new Requests(model, stage.widgets, transport, services);
  const receive = (message: unknown): void => {
    if (!transport.receive(message) && !requests.receive(message)) store.receive(message);
  };
  stage.context = { store, services };
  for (const element of stage.elements) draw(stage.context, element);
  goOnAfterRestart(model, transport, stage, lifetime.signal);
  early.forEach(receive);
  store.start();
  return {
    receive,
    close: () => lifetime.abort(),
    render(element) {
      addStyles();
      element.classList.add("copilot-widget");
      // JupyterLab runs, deletes and moves cells on plain keys: those typed here are ours.
      element.setAttribute(OURS, "true");
      const stop = (event: Event) => event.stopPropagation();
      for (const type of ["keydown", "keyup", "keypress"]) element.addEventListener(type, stop);
      // Notebook 7 has shortcuts for whatever has the focus, and looks no further than there.
      const own = ({ target }: Event) => (target as Element).setAttribute(OURS, "true");
      element.addEventListener("focusin", own);
      stage.elements.add(element);
      draw(stage.context, element);
      const unwatch = watchSelection();
      return () => {
        unwatch();
        element.removeEventListener("focusin", own);
        stage.elements.delete(element);
        render(null, element);
        for (const type of ["keydown", "keyup", "keypress"]) element.removeEventListener(type, stop);
      };
    },
  };
}

function draw(context: Context, element: HTMLElement): void {
  render(
    <WidgetContext.Provider value={context}>
      <App />
    </WidgetContext.Provider>,
    element,
  );
}

/** Once a page, for the view and for the record that hides beside it. */
function addStyles(): void {
  for (const [id, css] of Object.entries({ "copilot-widget-style": style, "copilot-record-rules": recordRules })) {
    let element = document.getElementById(id);
    if (!element) {
      element = document.createElement("style");
      element.id = id;
      document.head.append(element);
    }
    if (element.textContent !== css) element.textContent = css;
  }
}
