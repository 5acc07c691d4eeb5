// @vitest-environment jsdom
import { expect, it, vi } from "vitest";
import type { AnyModel } from "./host.ts";
import loader from "./loader.ts";
import type { Session, WidgetModule } from "./widget.tsx";

interface Listeners {
  [event: string]: (message: unknown) => void;
}

function model(assets: () => Promise<{ get(name: string): unknown }>, listeners: Listeners = {}): AnyModel {
  return {
    get: (name) => (name === "_assets" ? "IPY_MODEL_a1" : undefined),
    send: () => undefined,
    on: (event, callback) => {
      listeners[event] = callback;
    },
    off: () => undefined,
    widget_manager: {
      get_model: (id) => (id === "a1" ? assets() : Promise.reject(new Error(`asked for ${id}`))),
    } as AnyModel["widget_manager"] & object,
  };
}

/** A bundle that the page has already: the loader finds it under its hash and imports nothing. */
function cached(hash: string) {
  const received: unknown[] = [];
  const session: Session = {
    receive: (message) => void received.push(message),
    render: (element) => {
      element.textContent = "a view";
      return () => undefined;
    },
    close: vi.fn(),
  };
  const module: WidgetModule = {
    open: (_, early) => {
      received.push(...early);
      return session;
    },
  };
  (globalThis as unknown as Record<symbol, unknown>)[Symbol.for(`copilot_widget@${hash}`)] = Promise.resolve(module);
  return { received, session };
}

/** The shared widget as the kernel sends it. */
const delivered = (hash: string) => ({
  get: (name: string) => (name === "hash" ? hash : new DataView(new ArrayBuffer(1))),
});

it("loses no message while the bundle is on its way", async () => {
  const { received } = cached("h1");
  let deliver = (_: { get(name: string): unknown }) => {};
  const listeners: Listeners = {};
  const widget = loader();
  const assets = new Promise<{ get(name: string): unknown }>((resolve) => (deliver = resolve));
  widget.initialize({ model: model(() => assets, listeners) }); // returns at once: hosts deliver nothing before
  listeners["msg:custom"]?.("one");
  listeners["msg:custom"]?.("two");
  deliver(delivered("h1"));
  const el = document.createElement("div");
  await widget.render({ el });
  listeners["msg:custom"]?.("three");
  expect(received).toEqual(["one", "two", "three"]);
  expect(el.textContent).toBe("a view");
});

it("says what to do where the kernel has closed the bundle's widget", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const widget = loader();
  widget.initialize({ model: model(() => Promise.reject(new Error("widget model not found"))) });
  const el = document.createElement("div");
  await widget.render({ el });
  expect(el.hidden).toBe(false);
  expect(el.textContent).toContain("Run the cell again");
});

it("leaves the place to the record where its state came from a file", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  cached("h3"); // another notebook of the page is alive
  const widget = loader();
  widget.initialize({ model: model(async () => ({ get: (name) => (name === "hash" ? "h3" : {}) })) });
  const el = document.createElement("div");
  await widget.render({ el });
  expect(el.hidden).toBe(true);
  expect(el.textContent).toContain("cannot be shown"); // an empty view would hide the record
});

it("closes the session with its model", async () => {
  const { session } = cached("h2");
  const widget = loader();
  const close = widget.initialize({ model: model(async () => delivered("h2")) });
  await widget.render({ el: document.createElement("div") });
  await close();
  expect(session.close).toHaveBeenCalledOnce();
});
