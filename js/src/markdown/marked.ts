/** marked, with what notebooks need besides GitHub's markdown: math. */
import { Marked, type TokenizerAndRendererExtension, type Tokens } from "marked";
import { escapeHtml } from "./highlight.ts";

export interface MathToken extends Tokens.Generic {
  type: "math" | "mathBlock";
  tex: string;
  display: boolean;
}

const INLINE = [
  /^\$\$([^$]+?)\$\$/,
  /^\$(?![\s$])((?:\\.|[^\\$\n])*?[^\s\\$])\$(?!\d)/, // "$5 and $6" is money: a digit may not follow the end
  /^\\\(([\s\S]+?)\\\)/,
];
const BLOCK = [/^ {0,3}\$\$\s*\n?([^$]+?)\n?\s*\$\$[ \t]*(?:\n|$)/, /^ {0,3}\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/];

function tokenize(patterns: RegExp[], type: MathToken["type"], source: string): MathToken | undefined {
  for (const [index, pattern] of patterns.entries()) {
    const match = pattern.exec(source);
    const tex = match?.[1]?.trim();
    if (match && tex) return { type, raw: match[0], tex, display: type === "mathBlock" || index === 0 };
  }
  return undefined;
}

/** The TeX itself: it is what shows until the math part has come (see math.ts), and where it cannot come. */
function renderMath(token: Tokens.Generic): string {
  const { tex, display } = token as MathToken;
  const span = `<span class="cw-math" data-display="${display}">${escapeHtml(tex)}</span>`;
  return token.type === "mathBlock" ? `<p>${span}</p>` : span;
}

const inlineMath: TokenizerAndRendererExtension = {
  name: "math",
  level: "inline",
  start: (source) => {
    const index = source.search(/\$|\\\(/);
    return index < 0 ? undefined : index;
  },
  tokenizer: (source) => tokenize(INLINE, "math", source),
  renderer: renderMath,
};

const blockMath: TokenizerAndRendererExtension = {
  name: "mathBlock",
  level: "block",
  start: (source) => {
    const index = source.search(/^ {0,3}(?:\$\$|\\\[)/m);
    return index < 0 ? undefined : index;
  },
  tokenizer: (source) => tokenize(BLOCK, "mathBlock", source),
  renderer: renderMath,
};

export const marked = new Marked({
  gfm: true,
  extensions: [inlineMath, blockMath],
  renderer: {
    checkbox: ({ checked }) =>
      `<span class="cw-check" role="img" aria-label="${checked ? "done" : "to do"}">${checked ? "☑" : "☐"}</span> `,
  },
});
