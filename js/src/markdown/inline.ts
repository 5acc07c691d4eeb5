/** The end of one paragraph, item or cell that still streams: what is open there is closed or held back. */
import { mathAt } from "./lexer.ts";

/** What is still open after so many characters was not meant as markup. */
const PATIENCE = 400;

interface Delimiter {
  char: string;
  length: number;
  /** Where in the output it stands. */
  at: number;
}

/** `before`: the character before `text`. `isHtml`: it is text of an html block, where markdown means nothing. */
export function closed(text: string, before: string, isHtml: boolean): string {
  return new Scan(text, before, isHtml ? HTML_STEPS : STEPS).result();
}

/** The target of a link, with one pair of brackets in it. */
const TARGET = String.raw`(?:[^()]|\([^()]*\))*`;
const WORDS = String.raw`(?:\\.|[^\][\\]|\[[^\]]*\](?:\([^)]*\))?)*`;
const LINK = new RegExp(String.raw`^\[${WORDS}\]\(${TARGET}\)`);
const OPEN_LINK = new RegExp(String.raw`^\[(${WORDS})(?:\]\(${TARGET}(?:\([^()]*)?|\](?:\[[^\]\n]*)?)?$`);
const IMAGE = new RegExp(String.raw`^!\[[^\]]*\]\(${TARGET}\)`);

const REFERENCE = new RegExp(String.raw`(\x60+)[\s\S]*?\1|(?<![\w\]])\[(${WORDS})\]\[[^\]\n]*\]`, "g");

/** What "[the paper][1]" leads to may stand at the end of the answer: until then it is the words. */
export const withoutReferences = (source: string): string =>
  source.includes("][") ? source.replace(REFERENCE, (whole, _, words?: string) => words ?? whole) : source;

/** What may become a tag or an address: nothing of "x < y", and of "a<b and c" only until it cannot be one. */
const OPEN_TAG =
  /^<(?:[^\s<>]*|!--[\s\S]*|\/?[A-Za-z][\w-]*(?:\s+[\w:-]+=(?:"[^"]*"|'[^']*'|[^\s"'>]+))*\s*(?:[\w:-]+|[\w:-]+=(?:"[^"]*|'[^']*)?)?\s*\/?)$/;
const WHOLE_TAG = /^<\/?[A-Za-z][\w-]*(?:\s+[\w:-]+(?:=(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*\s*\/?>|^<!--[\s\S]*?-->/;

/** One pass over the text. */
class Scan {
  #out = "";
  #at = 0;
  #open: Delimiter[] = [];
  #closers = "";
  #text: string;
  #before: string;
  #steps: Steps;

  constructor(text: string, before: string, steps: Steps) {
    this.#text = text;
    this.#before = before;
    this.#steps = steps;
  }

  result(): string {
    while (this.#at < this.#text.length) {
      const step = this.#steps[this.#text[this.#at] as string];
      if (step && step(this) === "end") break;
      if (!step) this.take(1);
    }
    for (const { char, length, at } of this.#open.reverse()) {
      const isEmpty = this.#closers === "" && this.#out.slice(at + length).trim() === "";
      if (isEmpty) this.#out = this.#out.slice(0, at);
      else this.#closers += char.repeat(length);
    }
    return this.#closers ? this.#out.trimEnd() + this.#closers : this.#out;
  }

  take(length: number): undefined {
    this.#out += this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }

  /** Holds the rest back while it may still become what it begins; later it is text. */
  #hold(): "end" | undefined {
    return this.#rest().length < PATIENCE ? "end" : this.take(1);
  }

  escape(): "end" | undefined {
    const rest = this.#rest();
    const math = /^\\([([])/.exec(rest);
    if (rest.length === 1 || rest === "\\\n") return "end";
    if (!math) return this.take(2);
    const close = this.#text.indexOf(math[1] === "(" ? "\\)" : "\\]", this.#at + 2);
    return close < 0 ? this.#hold() : this.take(close + 2 - this.#at);
  }

  code(): "end" | undefined {
    const ticks = /^`+/.exec(this.#rest())?.[0] ?? "`";
    const after = this.#at + ticks.length;
    const body = this.#text.slice(after);
    const close = new RegExp(`(?<!\`)${ticks}(?!\`)`).exec(body);
    if (close) return this.take(ticks.length + close.index + ticks.length);
    const code = body.replace(/[`\s\\]+$/, "");
    if (code === "") return "end";
    this.#out += ticks + code;
    this.#closers = ticks;
    return "end";
  }

  math(): "end" | undefined {
    const rest = this.#rest();
    const whole = mathAt(rest);
    if (whole?.raw === rest && /^\$\d/.test(rest)) {
      if (/^\$[\d.,]+\$$/.test(rest)) return "end";
      this.#text = this.#text.slice(0, -1); // a digit may follow: "$5 and US$7" is money
      return this.take(1);
    }
    if (whole) return this.take(whole.raw.length);
    if (rest.startsWith("$$")) return this.#hold();
    const mayBeMath = /^\$(?:[\d.,]*|[A-Za-z\\({|+-][^\n$]{0,80})$/.test(rest);
    return mayBeMath ? "end" : this.take(1);
  }

  image(): "end" | undefined {
    const rest = this.#rest();
    const before = this.#text[this.#at - 1] ?? this.#before;
    const mayBegin = rest === "!" ? /[\s[(|]/.test(before) : rest[1] === "["; // "Done!" ends a sentence
    if (!mayBegin) return this.take(1);
    const whole = IMAGE.exec(rest);
    return whole ? this.take(whole[0].length) : this.#hold();
  }

  /** The words of a link are shown as they come, its target never. */
  link(): "end" | undefined {
    const rest = this.#rest();
    const whole = LINK.exec(rest);
    if (whole) return this.take(whole[0].length);
    const words = OPEN_LINK.exec(rest);
    if (!words || rest.length > PATIENCE) return this.take(1);
    const shown = new Scan(words[1] ?? "", "[", this.#steps).result();
    this.#out += shown.startsWith("^") ? "" : shown; // a footnote's mark
    return "end";
  }

  tag(): "end" | undefined {
    const rest = this.#rest();
    const whole = WHOLE_TAG.exec(rest);
    if (whole) return this.take(whole[0].length);
    return OPEN_TAG.test(rest) ? this.#hold() : this.take(1);
  }

  entity(): "end" | undefined {
    return /^&(?:#?\w{0,31})$/.test(this.#rest()) ? "end" : this.take(1);
  }

  emphasis(char: string): "end" | undefined {
    let end = this.#at;
    while (this.#text[end] === char) end += 1;
    const length = end - this.#at;
    const before = this.#text[this.#at - 1] ?? this.#before;
    const after = this.#text[end];
    if (after === undefined) return this.#emphasisAtEnd(char, length, before);
    if (!/\s/.test(before) && this.#close(char, length)) return this.take(length);
    if (/\s/.test(after) || (char === "~" && length !== 2)) return this.take(length);
    if (/[\p{L}\p{N}]/u.test(before) && /[\p{L}\p{N}]/u.test(after)) {
      const within = this.#withinWord(char, length, before, end);
      if (within !== "opens") return within === "end" ? "end" : this.take(length);
    }
    this.#open.push({ char, length, at: this.#out.length });
    return this.take(length);
  }

  /** "snake_case" and "2*3" are no emphasis, "日本**語**" is; "a*b" waits for the end of the word. */
  #withinWord(char: string, length: number, before: string, end: number): "opens" | "text" | "end" {
    if (char === "_" || (/\d/.test(before) && /\d/.test(this.#text[end] ?? ""))) return "text";
    if (length > 1 || CJK.test(before)) return "opens";
    const word = /^[^\s*]*/.exec(this.#text.slice(end))?.[0] ?? "";
    if (end + word.length === this.#text.length) return "end";
    return this.#text[end + word.length] === "*" ? "opens" : "text";
  }

  /** The run of `*` that ends the text: a whole closer stays; half a closer and every opener wait for more. */
  #emphasisAtEnd(char: string, length: number, before: string): "end" | undefined {
    const open = this.#open.filter((delimiter) => delimiter.char === char).reduce((sum, one) => sum + one.length, 0);
    if (open > 0 && !/\s/.test(before) && length >= open && this.#close(char, length)) return this.take(length);
    return "end";
  }

  /** Takes delimiters of `char` off the stack, as many as `length` closes. */
  #close(char: string, length: number): boolean {
    let left = length;
    while (left > 0) {
      const index = this.#open.findLastIndex((delimiter) => delimiter.char === char);
      const delimiter = this.#open[index];
      if (!delimiter) break;
      const closing = Math.min(left, delimiter.length);
      left -= closing;
      delimiter.length -= closing;
      if (delimiter.length === 0) this.#open.splice(index);
    }
    return left < length;
  }
}

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

type Steps = Record<string, (scan: Scan) => "end" | undefined>;

const HTML_STEPS: Steps = {
  "<": (scan) => scan.tag(),
  "&": (scan) => scan.entity(),
};

const STEPS: Steps = {
  ...HTML_STEPS,
  "\\": (scan) => scan.escape(),
  "`": (scan) => scan.code(),
  $: (scan) => scan.math(),
  "!": (scan) => scan.image(),
  "[": (scan) => scan.link(),
  "*": (scan) => scan.emphasis("*"),
  _: (scan) => scan.emphasis("_"),
  "~": (scan) => scan.emphasis("~"),
};
