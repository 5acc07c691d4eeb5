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
  let level = heading;
  let isDone = false;
  const fill = (fragment: DocumentFragment): void => {
    level = enhance(fragment, services, heading);
    target.replaceChildren(fragment);
    isDone = true;
  };
  const fillWithout = (tags: "hidden" | "shown"): void => {
    const drawn = document.createDocumentFragment();
    drawTokens(tokens, drawn);
    if (tags === "hidden") for (const html of drawn.querySelectorAll(".cw-tag")) hideTags(html);
    fill(drawn);
  };
  const hasHtml = tokens.some(holdsHtml);
  if (hasHtml) {
    const failed = () => fillWithout("shown"); // better than to leave out what an answer says
    const draw = ({ toHtml }: MarkdownPart) => withSanitized(toHtml(source), services, fill, failed);
    withAsset<MarkdownPart>("markdown.js", services, draw, failed);
  }
  if (!isDone) fillWithout("hidden");
  return level;
}

function hideTags(html: Element): void {
  html.textContent = (html.textContent ?? "").replace(/<(?:!--[\s\S]*?(?:-->|$)|[^>]*>?)/g, "");
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
