/** The bundle's entry: one session a model, which may have any number of views. */
import { render } from "preact";
import { App } from "./components/app.tsx";
import { WidgetContext } from "./components/context.ts";
import { type AnyModel, canInsertCells, insertCell } from "./host.ts";
import type { Services } from "./markdown/services.ts";
import { recordRules } from "./record-rules.ts";
import { Store } from "./store.ts";
import style from "./style.css";
import { Transport } from "./transport.ts";
import { toView } from "./view.ts";

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
  const store = new Store(initial, transport, lifetime.signal);
  const services: Services = {
    fetchAsset: async (name) => ((await transport.send("asset", { name })) as { data: string }).data,
    insertCell: canInsertCells(model) ? (code) => insertCell(model, initial.widget, code) : null,
  };
  const receive = (message: unknown): void => {
    if (!transport.receive(message)) store.receive(message);
  };
  early.forEach(receive);
  store.start();
  return {
    receive,
    close: () => lifetime.abort(),
    render(element) {
      addStyles();
      element.classList.add("copilot-widget");
      // JupyterLab runs, deletes and moves cells on plain keys: those typed here are ours.
      element.setAttribute("data-lm-suppress-shortcuts", "true");
      const stop = (event: Event) => event.stopPropagation();
      for (const type of ["keydown", "keyup", "keypress"]) element.addEventListener(type, stop);
      render(
        <WidgetContext.Provider value={{ store, services }}>
          <App />
        </WidgetContext.Provider>,
        element,
      );
      return () => {
        render(null, element);
        for (const type of ["keydown", "keyup", "keypress"]) element.removeEventListener(type, stop);
      };
    },
  };
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
