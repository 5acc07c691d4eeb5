/**
 * Markdown as tokens, with what notebooks need besides GitHub's: math.
 *
 * Of marked the page needs the lexer alone (draw.ts makes the elements). What makes html of tokens is in parts/markdown.ts.
 */
import { Lexer, type MarkedOptions, type Token, type Tokens } from "marked";

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
const BLOCK = [/^ {0,3}\$\$([^$]+)\$\$[ \t]*(?:\n|$)/, /^ {0,3}\\\[([\s\S]{1,4000}?)\\\][ \t]*(?:\n|$)/];

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
  start(source: string): number | undefined {
    const index = source.search(/\$|\\\(/);
    return index < 0 ? undefined : index;
  },
  tokenizer: mathAt,
};

export const blockMath = {
  name: "mathBlock",
  level: "block" as const,
  /** `source` lacks the first character of its line. A paragraph is cut there, and that only where math is. */
  start(source: string): number | undefined {
    if (!source.includes("$$") && !source.includes("\\[")) return undefined; // the usual case costs next to nothing
    for (const { index } of source.matchAll(/(?<=\n) {0,3}(?:\$\$|\\\[)/g)) {
      if (tokenize(BLOCK, "mathBlock", source.slice(index))) return index;
    }
    return undefined;
  },
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

/** Quotes and lists nested deeper are shown as they are written: marked would run out of its stack. */
const DEEPEST = 40;
/** Marks in one paragraph from which on it is shown as it is written: marked takes the square of their number. */
const MOST_MARKS = 1_000;

const asText = (source: string): Token => ({ type: "text", raw: source, text: source });

/** marked's lexer, in bounded time whatever it reads. */
class BoundedLexer extends Lexer {
  #depth = 0;

  // biome-ignore lint/suspicious/noExplicitAny: marked gives back the list that it was given, in two forms
  override blockTokens(source: string, tokens: any = [], goesOn?: boolean): any {
    if (this.#depth > DEEPEST) {
      tokens.push(asText(source));
      return tokens;
    }
    this.#depth += 1;
    const result = super.blockTokens(source, tokens, goesOn);
    this.#depth -= 1;
    return result;
  }

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    if (source.length < MOST_MARKS || source.split(/[\\`*_~[\]<$!&@]/, MOST_MARKS).length < MOST_MARKS) {
      return super.inlineTokens(source, tokens);
    }
    tokens.push(asText(source));
    return tokens;
  }
}

/** What marked throws at is shown as it is written: no answer loses a word by what surrounds it. */
function read(source: string, how: (lexer: BoundedLexer) => Token[]): Token[] {
  try {
    return how(new BoundedLexer(options));
  } catch {
    return [asText(source)];
  }
}

/** A whole text. */
export const lex = (source: string): Token[] => read(source, (lexer) => lexer.lex(source));

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
export const lexBlocks = (source: string): Token[] => read(source, (lexer) => lexer.blockTokens(source));
