/** On demand: html of markdown, for a text that holds html of its own; it is sanitised afterwards (see html.ts). */
import { Marked, type Tokens } from "marked";
import { escapeHtml } from "../markdown/escape.ts";
import { blockMath, cjkEmphasis, inlineMath, lex, type MathToken } from "../markdown/lexer.ts";
import { Words } from "../strings.ts";

/** The TeX itself: it is what shows until the math part has come (see math.ts), and where it cannot come. */
function renderer(token: Tokens.Generic): string {
  const { tex, display } = token as MathToken;
  const span = `<span class="cw-math" data-display="${display}">${escapeHtml(tex)}</span>`;
  return token.type === "mathBlock" ? `<p>${span}</p>` : span;
}

/** A tag that does not end would go on into what other blocks of the text say. */
function withWholeTags(html: string): string {
  for (const tag of html.matchAll(/<!--[\s\S]*?-->|<(?=[a-z/!?])((?:[^>"']|"[^"]*"|'[^']*')*>)?/gi)) {
    if (tag[1] !== undefined || tag[0].endsWith("-->")) continue;
    // To look at what follows, too, would take the square of its length.
    return html.slice(0, tag.index) + html.slice(tag.index).replace(/<(?=[a-z/!?])/gi, "&lt;");
  }
  return html;
}

const marked = new Marked({
  gfm: true,
  extensions: [{ ...inlineMath, renderer }, { ...blockMath, renderer }, cjkEmphasis],
  renderer: {
    html: ({ text }) => withWholeTags(text),
    checkbox: ({ checked }) =>
      `<span class="cw-check" role="img" aria-label="${checked ? Words.Done : Words.ToDo}">${checked ? "☑" : "☐"}</span> `,
  },
});

export const toHtml = (source: string): string => marked.parser(lex(source));
