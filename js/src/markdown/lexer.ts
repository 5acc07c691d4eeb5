/**
 * Markdown as tokens, with what notebooks need besides GitHub's: math.
 *
 * Of marked the page needs the lexer alone (draw.ts makes the elements). What makes html of tokens is in parts/markdown.ts.
 */
import { Lexer, type MarkedOptions, type Token, type Tokens, type TokensList } from "marked";

export interface MathToken extends Tokens.Generic {
  type: "math" | "mathBlock";
  tex: string;
  display: boolean;
}

const INLINE = [
  /^\$\$([^$]+?)\$\$/,
  /^\$(?![\s$])((?:\\.|[^\\$\n])*?(?:\\\S|[^\s\\$]))\$(?!\d)/, // "$5 and $6" is money: a digit may not follow the end
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

/** The math that `source` begins with. */
export const mathAt = (source: string): MathToken | undefined => tokenize(INLINE, "math", source);

export const inlineMath = {
  name: "math",
  level: "inline" as const,
  start: (source: string) => found(source, /\$|\\\(/),
  tokenizer: mathAt,
};

export const blockMath = {
  name: "mathBlock",
  level: "block" as const,
  start: (source: string) => found(source, /^ {0,3}(?:\$\$|\\\[)/m),
  tokenizer: (source: string) => tokenize(BLOCK, "mathBlock", source),
};

/**
 * `**重要：**请` is strong to its reader, not to CommonMark: next to a letter a mark may not have punctuation within.
 * Chinese and Japanese put no space there.
 */
export const cjkEmphasis = {
  name: "cjkEmphasis",
  level: "inline" as const,
  tokenizer(this: { lexer: Lexer }, source: string): Tokens.Strong | Tokens.Em | undefined {
    const match = /^(\*{1,2})(?![\s*])((?:[^*\n\\`]|`[^`\n]+`)+)(?<!\s)\1(?!\*)/.exec(source);
    const [raw, marks = "", text = ""] = match ?? [];
    if (raw === undefined || !CJK.test(text) || !/^\p{P}|\p{P}$/u.test(text)) return undefined;
    return { type: marks === "*" ? "em" : "strong", raw, text, tokens: this.lexer.inlineTokens(text) };
  },
};

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

function found(source: string, pattern: RegExp): number | undefined {
  const index = source.search(pattern);
  return index < 0 ? undefined : index;
}

const options: MarkedOptions = {
  gfm: true,
  extensions: {
    renderers: {},
    childTokens: {},
    inline: [inlineMath.tokenizer, cjkEmphasis.tokenizer],
    startInline: [inlineMath.start],
    block: [blockMath.tokenizer],
    startBlock: [blockMath.start],
  },
};

/** A whole text. */
export const lex = (source: string): TokensList => new Lexer(options).lex(source);

/** What links may refer to anywhere in `source`, as it is written there, by its label; the first of two counts. */
export function definitionsIn(source: string): Map<string, string> {
  const found = new Map<string, string>();
  const collect = (tokens: readonly Token[]): void => {
    for (const token of tokens) {
      if (token.type === "def" && !found.has(token.tag)) found.set(token.tag, token.raw.trim());
      collect((token as Tokens.Generic).tokens ?? (token as Tokens.List).items ?? []);
    }
  };
  collect(lexBlocks(source));
  return found;
}

/** Its blocks, without what is in them. */
export const lexBlocks = (source: string): Token[] => new Lexer(options).blockTokens(source, []);
