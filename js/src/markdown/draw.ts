/**
 * marked's tokens as elements. Text only ever becomes a text node and an address is tested first, so what a model writes
 * cannot become markup here; raw html in it is drawn as the text it is (html.ts has it sanitised and drawn).
 */
import type { Token, Tokens } from "marked";
import { Words } from "../strings.ts";
import { visible } from "../visible.ts";
import type { MathToken } from "./lexer.ts";
import { fixLink, isOwnPicture, isRemotePicture } from "./links.ts";

type Draw<Name extends string> = (token: Extract<Token, { type: Name }>, parent: Node) => void;

export function drawTokens(tokens: readonly Token[] | undefined, parent: Node): void {
  for (const token of tokens ?? []) {
    const draw = DRAW[token.type] as ((token: Token, parent: Node) => void) | undefined;
    if (draw) draw(token, parent);
    else drawText(parent, token.raw);
  }
}

function add<Name extends keyof HTMLElementTagNameMap>(parent: Node, name: Name): HTMLElementTagNameMap[Name] {
  return parent.appendChild(document.createElement(name));
}

/** An element that holds the token's own tokens. */
const wrapped =
  (name: keyof HTMLElementTagNameMap) =>
  (token: Token, parent: Node): void =>
    drawTokens((token as Tokens.Generic).tokens, add(parent, name));

function drawText(parent: Node, text: string): void {
  parent.appendChild(document.createTextNode(text));
}

/** "&amp;" → "&": a text area reads entities and nothing else. */
function decoded(text: string): string {
  if (!/&[#a-z]/i.test(text)) return text;
  const area = document.createElement("textarea");
  area.innerHTML = text.replace(/</g, "&lt;");
  return area.value;
}

const table: Draw<"table"> = ({ header, rows }, parent) => {
  const element = add(parent, "table");
  const head = add(add(element, "thead"), "tr");
  for (const cell of header as Tokens.TableCell[]) drawCell(cell, head, "th");
  const body = add(element, "tbody");
  drawRows(rows as Tokens.TableCell[][], body);
};

export function drawRows(rows: readonly Tokens.TableCell[][], body: Node): void {
  for (const row of rows) {
    const line = add(body, "tr");
    for (const cell of row) drawCell(cell, line, "td");
  }
}

function drawCell(cell: Tokens.TableCell, row: Node, name: "th" | "td"): void {
  const isEmptyHeader = name === "th" && cell.text.trim() === "";
  const element = add(row, isEmptyHeader ? "td" : name);
  if (cell.align) element.setAttribute("align", cell.align);
  drawTokens(cell.tokens, element);
}

const list: Draw<"list"> = ({ ordered, start, items }, parent) => {
  const element = add(parent, ordered ? "ol" : "ul");
  if (ordered && start !== 1) element.setAttribute("start", String(start));
  for (const item of items as Tokens.ListItem[]) drawTokens(item.tokens, add(element, "li"));
};

const image: Draw<"image"> = ({ href, text }, parent) => {
  if (isOwnPicture(href)) {
    const picture = add(parent, "img");
    picture.src = href;
    picture.alt = text;
    return;
  }
  const placeholder = add(parent, "span");
  placeholder.textContent = text || Words.Unnamed;
  if (!isRemotePicture(href)) return;
  placeholder.className = "cw-remote"; // waits for a click, see enhance.ts
  placeholder.dataset.src = href;
};

function drawMathSource(token: Token, parent: Node): void {
  const { tex, display, type } = token as unknown as MathToken;
  const element = add(type === "mathBlock" ? add(parent, "p") : parent, "span");
  element.className = "cw-math";
  element.dataset.display = String(display);
  element.textContent = tex;
}

const DRAW: Record<string, (token: never, parent: Node) => void> = {
  space: () => undefined,
  def: () => undefined,
  hr: (_, parent) => void add(parent, "hr"),
  br: (_, parent) => void add(parent, "br"),
  paragraph: wrapped("p"),
  blockquote: wrapped("blockquote"),
  strong: wrapped("strong"),
  em: wrapped("em"),
  del: wrapped("del"),
  heading: ((token, parent) => wrapped(`h${token.depth as 1}`)(token, parent)) as Draw<"heading">,
  text: ((token, parent) => {
    if ("tokens" in token && token.tokens) drawTokens(token.tokens, parent);
    else drawText(parent, decoded(token.text));
  }) as Draw<"text">,
  escape: (({ text }, parent) => drawText(parent, text)) as Draw<"escape">,
  codespan: (({ text }, parent) => {
    add(parent, "code").textContent = visible(text);
  }) as Draw<"codespan">,
  code: (({ text, lang }, parent) => {
    const code = add(add(parent, "pre"), "code");
    code.textContent = text;
    if (lang) code.className = `language-${lang.split(/\s/)[0]}`;
  }) as Draw<"code">,
  link: ((token, parent) => {
    const element = add(parent, "a");
    fixLink(element, token.href);
    drawTokens(token.tokens, element);
  }) as Draw<"link">,
  html: (({ raw }, parent) => {
    if (/^<br\s*\/?>$/i.test(raw)) add(parent, "br");
    else {
      const html = add(parent, "span");
      html.className = "cw-tag";
      html.textContent = raw;
    }
  }) as Draw<"html">,
  checkbox: (({ checked }, parent) => {
    const box = add(parent, "span");
    box.className = "cw-check";
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", checked ? Words.Done : Words.ToDo);
    box.textContent = checked ? "☑" : "☐";
    drawText(parent, " ");
  }) as Draw<"checkbox">,
  table,
  list,
  image,
  math: drawMathSource,
  mathBlock: drawMathSource,
};
