/** One block of markdown as elements. */
import type { Token, Tokens } from "marked";
import { drawTokens } from "./draw.ts";
import { enhance } from "./enhance.ts";
import { withSanitized } from "./html.ts";
import { lex } from "./lexer.ts";
import { type Services, withAsset } from "./services.ts";

interface MarkdownPart {
  toHtml(source: string): string;
}

/** Fills `target` and returns the level of its last heading; `heading` is the level of the one before. */
export function renderMarkdown(source: string, target: HTMLElement, services: Services, heading: number): number {
  const tokens = lex(source);
  const fill = (fragment: DocumentFragment): number => {
    const level = enhance(fragment, services, heading);
    target.replaceChildren(fragment);
    return level;
  };
  const drawn = document.createDocumentFragment();
  drawTokens(tokens, drawn);
  const level = fill(drawn);
  if (tokens.some(holdsHtml)) {
    withAsset<MarkdownPart>("markdown.js", services, ({ toHtml }) => withSanitized(toHtml(source), services, fill));
  }
  return level;
}

function holdsHtml(token: Token): boolean {
  return (token.type === "html" && !/^<br\s*\/?>$/i.test(token.raw)) || within(token).some(holdsHtml);
}

function within(token: Token): Token[] {
  if (token.type === "list") return token.items;
  if (token.type !== "table") return ("tokens" in token && token.tokens) || [];
  const { header, rows } = token as Tokens.Table;
  return [header, ...rows].flat().flatMap(({ tokens }) => tokens);
}
