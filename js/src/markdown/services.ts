/** What drawn text may ask of its surroundings. */
import { type FetchAsset, loadAsset } from "../asset.ts";

export interface Services {
  fetchAsset: FetchAsset;
  /** Adds a code cell below; false where that failed. Null where this page cannot: no button is shown. */
  insertCell: ((code: string) => boolean) | null;
  /** Undoes a change of a cell, or makes it again; the reason, in words, where it could not be. */
  undo?(run: string, callId: string): Promise<string>;
  /** Draws a widget of the notebook by its model's id, alive; returns what ends it. Missing where there are none. */
  drawWidget?(id: string, element: HTMLElement): Promise<() => void>;
}

/** Calls `use` with a part of the front end: at once where it is here already, so that nothing flickers. */
export function withAsset<Module>(
  name: string,
  services: Services,
  use: (module: Module) => void,
  otherwise: () => void = () => undefined, // what is drawn already stays: the TeX, the code without colours
): void {
  const here = loaded.get(name);
  if (here) {
    use(here as Module);
    return;
  }
  loadAsset<Module>(name, services.fetchAsset).then((module) => {
    loaded.set(name, module);
    use(module);
  }, otherwise);
}

const loaded = new Map<string, unknown>();
