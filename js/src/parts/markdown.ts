/** On demand: html of markdown, for a text that holds html of its own; it is sanitised afterwards (see html.ts). */
import { Marked, type Tokens } from "marked";
import { escapeHtml } from "../markdown/escape.ts";
import { blockMath, cjkEmphasis, inlineMath, type MathToken } from "../markdown/lexer.ts";

/** The TeX itself: it is what shows until the math part has come (see math.ts), and where it cannot come. */
function renderer(token: Tokens.Generic): string {
  const { tex, display } = token as MathToken;
  const span = `<span class="cw-math" data-display="${display}">${escapeHtml(tex)}</span>`;
  return token.type === "mathBlock" ? `<p>${span}</p>` : span;
}

const marked = new Marked({
  gfm: true,
  extensions: [{ ...inlineMath, renderer }, { ...blockMath, renderer }, cjkEmphasis],
  renderer: {
    checkbox: ({ checked }) =>
      `<span class="cw-check" role="img" aria-label="${checked ? "done" : "to do"}">${checked ? "☑" : "☐"}</span> `,
  },
});

export const toHtml = (source: string): string => marked.parse(source, { async: false });
