/** Html that a model or a tool wrote: drawn once the part that sanitises it is here (parts/html.ts). */
import { type Services, withAsset } from "./services.ts";

export interface HtmlPart {
  /** A fragment with nothing in it that runs, loads, submits or restyles. */
  sanitize(html: string): DocumentFragment;
}

/** Calls `use` with the harmless fragment; `otherwise`, where the part cannot be had. */
export function withSanitized(
  html: string,
  services: Services,
  use: (fragment: DocumentFragment) => void,
  otherwise?: () => void,
): void {
  withAsset<HtmlPart>("html.js", services, ({ sanitize }) => use(sanitize(html)), otherwise);
}
