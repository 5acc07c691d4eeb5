/** One block of markdown as elements. */
import type { Token, Tokens } from "marked";
import { drawRows, drawTokens } from "./draw.ts";
import { enhance, enhanceText } from "./enhance.ts";
import { withSanitized } from "./html.ts";
import { lex } from "./lexer.ts";
import { type Services, withAsset } from "./services.ts";
import { makeSortable, onlyTable, sameRows } from "./table.ts";

/** The class of a block that does not change any more. */
export const FINAL = "cw-final";

interface MarkdownPart {
  toHtml(source: string): string;
}

/** What is drawn of a block that is one table. */
const tables = new WeakMap<HTMLElement, Tokens.Table>();

/** Lets the table drawn in `target` grow to what `source` says. False where it has to be drawn anew. */
export function growTable(source: string, target: HTMLElement, services: Services): boolean {
  const before = tables.get(target);
  const after = before && onlyTable(lex(source));
  const body = target.querySelector("tbody");
  if (!before || !after || !body || holdsHtml(after)) return false;
  const same = sameRows(before, after);
  if (same === 0) return false;
  for (const row of [...body.rows].slice(same)) row.remove();
  const fresh = document.createDocumentFragment();
  drawRows(after.rows.slice(same), fresh);
  enhanceText(fresh, services);
  body.append(fresh);
  tables.set(target, after);
  return true;
}

/** Fills `target` and returns the level of its last heading; `heading` is the level of the one before. */
export function renderMarkdown(source: string, target: HTMLElement, services: Services, heading: number): number {
  const tokens = lex(source);
  let level = heading;
  let isDone = false;
  const fill = (fragment: DocumentFragment): void => {
    level = enhance(fragment, services, heading);
    target.replaceChildren(fragment);
    if (target.classList.contains(FINAL)) makeSortable(target, services);
    isDone = true;
  };
  const fillWithout = (tags: "hidden" | "shown"): void => {
    const drawn = document.createDocumentFragment();
    drawTokens(tokens, drawn);
    if (tags === "hidden") for (const html of drawn.querySelectorAll(".cw-tag")) hideTags(html);
    fill(drawn);
  };
  const table = onlyTable(tokens);
  if (table) tables.set(target, table);
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
