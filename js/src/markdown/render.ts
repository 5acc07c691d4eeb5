/** One block of markdown as elements. */
import type { Token } from "marked";
import { drawTokens } from "./draw.ts";
import { enhance } from "./enhance.ts";
import { withSanitized } from "./html.ts";
import { marked } from "./marked.ts";
import type { Services } from "./services.ts";

/** Fills `target` and returns the level of its last heading; `heading` is the level of the one before. */
export function renderMarkdown(source: string, target: HTMLElement, services: Services, heading: number): number {
  const tokens = marked.lexer(source);
  const fill = (fragment: DocumentFragment): number => {
    const level = enhance(fragment, services, heading);
    target.replaceChildren(fragment);
    return level;
  };
  const drawn = document.createDocumentFragment();
  drawTokens(tokens, drawn);
  const level = fill(drawn);
  if (holdsHtml(tokens)) withSanitized(marked.parser(tokens), services, fill);
  return level;
}

function holdsHtml(tokens: readonly Token[]): boolean {
  let found = false;
  marked.walkTokens([...tokens], (token) => {
    found ||= token.type === "html" && !/^<br\s*\/?>$/i.test(token.raw);
  });
  return found;
}
