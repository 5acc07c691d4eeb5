/** The end of one paragraph, item or cell that still streams: what is open there is closed or held back. */
import { mathAt } from "./lexer.ts";

/** What is still open after so many characters was not meant as markup. */
const PATIENCE = 400;

/** Marks that are open at once; more were not meant as markup either. */
const MOST_OPEN = 50;

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

/** Characters in which the words of a link end, and a tag: where all that opens is followed to its end, time is its square. */
const LONGEST = 2_000;

/**
 * Where the words of a link that begin at `from` end: at their "]", or at the end of `text` where they may go on. -1 where
 * a bracket in them stays open. They may hold brackets, and links.
 */
function wordsEnd(text: string, from: number): number {
  const within = text.slice(0, from + LONGEST);
  let at = from;
  while (at < within.length && within[at] !== "]") {
    if (within[at] === "[") {
      at = within.indexOf("]", at);
      if (at < 0) return -1;
      const target = within[at + 1] === "(" ? within.indexOf(")", at) : -1;
      at = Math.max(at, target);
    } else if (within[at] === "\\") at += 1;
    at += 1;
  }
  return at < within.length || within.length === text.length ? Math.min(at, text.length) : -1;
}

/** Where the target of a link that begins with the "(" at `open` is over, with pairs of brackets in it; -1: it is not. */
function targetEnd(text: string, open: number): number {
  const brackets = /[()]/g;
  brackets.lastIndex = open + 1;
  let isWithin = false;
  for (let found = brackets.exec(text); found; found = brackets.exec(text)) {
    const opens = found[0] === "(";
    if (opens && isWithin) return -1;
    if (!opens && !isWithin) return found.index + 1;
    isWithin = opens;
  }
  return -1;
}

/** Where the link ends whose words begin at `from`; -1 where it is none, or not complete. */
function linkEnd(text: string, from: number): number {
  const words = wordsEnd(text, from);
  return words >= 0 && text.startsWith("](", words) ? targetEnd(text, words + 1) : -1;
}

/** What may follow the words of a link that is not complete. */
const OPEN_TARGET = /^(?:\]\((?:[^()]|\([^()]*\))*(?:\([^()]*)?|\](?:\[[^\]\n]*)?)?$/;

/** What "[the paper][1]" leads to may stand at the end of the answer: until then it is the words. */
export function withoutReferences(source: string): string {
  if (!source.includes("][")) return source;
  const openings = /`+|(?<![\w\]])\[/g;
  let out = "";
  let done = 0;
  for (let found = openings.exec(source); found; found = openings.exec(source)) {
    const [mark] = found;
    const after = openings.lastIndex;
    if (mark !== "[") {
      openings.lastIndex = Math.max(after, source.indexOf(mark, after) + mark.length); // code
      continue;
    }
    const words = wordsEnd(source, after);
    const label = words < 0 ? null : /^\]\[[^\]\n]*\]/.exec(source.slice(words, words + LONGEST));
    if (!label) continue;
    out += source.slice(done, found.index) + source.slice(after, words);
    openings.lastIndex = done = words + label[0].length;
  }
  return out + source.slice(done);
}

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
    const close = this.#text.slice(0, this.#at + LONGEST).indexOf(math[1] === "(" ? "\\)" : "\\]", this.#at + 2);
    return close < 0 ? this.#hold() : this.take(close + 2 - this.#at);
  }

  code(): "end" | undefined {
    const ticks = /^`+/.exec(this.#rest())?.[0] ?? "`";
    const after = this.#at + ticks.length;
    const body = this.#text.slice(after);
    const close = new RegExp(`(?<!\`)${ticks}(?!\`)`).exec(body);
    if (close) return this.take(ticks.length + close.index + ticks.length);
    const code = body.replace(/(?<![`\s\\])[`\s\\]+$/, "");
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
    const end = linkEnd(this.#text, this.#at + 2);
    return end > 0 ? this.take(end - this.#at) : this.#hold();
  }

  /** The words of a link are shown as they come, its target never. */
  link(): "end" | undefined {
    const rest = this.#rest();
    const end = linkEnd(this.#text, this.#at + 1);
    if (end > 0) return this.take(end - this.#at);
    const words = rest.length > PATIENCE ? -1 : wordsEnd(rest, 1);
    if (words < 0 || !OPEN_TARGET.test(rest.slice(words))) return this.take(1);
    const shown = new Scan(rest.slice(1, words), "[", this.#steps).result();
    this.#out += shown.startsWith("^") ? "" : shown; // a footnote's mark
    return "end";
  }

  tag(): "end" | undefined {
    const rest = this.#rest();
    const whole = WHOLE_TAG.exec(rest.slice(0, LONGEST));
    if (whole) return this.take(whole[0].length);
    return rest.length < PATIENCE && OPEN_TAG.test(rest) ? "end" : this.take(1);
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
    if (/\s/.test(after) || (char === "~" && length !== 2) || this.#open.length > MOST_OPEN) return this.take(length);
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
