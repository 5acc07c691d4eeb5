import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Services } from "../markdown/services.ts";
import type { Store } from "../store.ts";

export interface Context {
  store: Store;
  services: Services;
}

export const WidgetContext = createContext<Context | null>(null);

export function useWidget(): Context {
  const context = useContext(WidgetContext);
  if (!context) throw new Error("no widget around this component");
  return context;
}
