/** Html that a model or a tool wrote: drawn once the part that sanitises it is here (parts/html.ts). */
import { type Services, withAsset } from "./services.ts";

export interface HtmlPart {
  /** A fragment with nothing in it that runs, loads, submits or restyles. */
  sanitize(html: string): DocumentFragment;
}

/** Calls `use` with the harmless fragment; `otherwise`, where the part cannot be had, or fails: what fails hides no more. */
export function withSanitized(
  html: string,
  services: Services,
  use: (fragment: DocumentFragment) => void,
  otherwise?: () => void,
): void {
  const draw = ({ sanitize }: HtmlPart): void => {
    let fragment: DocumentFragment;
    try {
      fragment = sanitize(html);
    } catch {
      otherwise?.();
      return;
    }
    use(fragment);
  };
  withAsset<HtmlPart>("html.js", services, draw, otherwise);
}
