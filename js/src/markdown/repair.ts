/**
 * Makes the end of a markdown text that still streams look as it will: no raw `**`, `](`, fence or `|---` shows up for
 * the moment until its other half arrives. What cannot be shown yet is held back, what is open is closed.
 */

/** `source` is the last block of a text; the blocks before it are complete. */
export function repair(source: string): string {
  return closeInline(completeTable(dropDanglingLine(source)));
}

const PREFIX = String.raw`\s*(?:>\s?|(?:[-*+]|\d{1,9}[.)])\s+)*`; // of quotes and list items
const DANGLING = [
  /^\s*(?:[-*+]|\d{1,9}[.)])\s*$/, // a list marker, or half of `**`
  /^\s*[-*+]\s+\[[ xX]?\]?$/, // a task's box
  /^ {0,3}#{1,6}\s*$/,
  /^ {0,3}(?:>\s?)+$/,
  /^ {0,3}(?:[-=_*]\s*)+$/, // a rule, or the underline that would make the line above a heading
  new RegExp(`^${PREFIX}(?:\`{1,2}|\`{3,}[^\`\\n]*|~{2,}[^~\\n]*)$`), // a fence whose first line is not complete
].map((pattern) => new RegExp(pattern.source, "d"));

function dropDanglingLine(source: string): string {
  const start = source.lastIndexOf("\n") + 1;
  const line = source.slice(start);
  if (!DANGLING.some((pattern) => pattern.test(line))) return source;
  if (isDelimiterRow(line) && lineBefore(source, start).includes("|")) return source; // a table's, below
  return source.slice(0, start);
}

const isDelimiterRow = (line: string): boolean => /^\s*[|:-][\s|:-]*$/.test(line);

function lineBefore(source: string, start: number): string {
  return start === 0 ? "" : source.slice(source.lastIndexOf("\n", start - 2) + 1, start - 1);
}

/** A header row becomes a table at once; marked wants a delimiter row with as many cells. */
function completeTable(source: string): string {
  const start = source.lastIndexOf("\n") + 1;
  const line = source.slice(start);
  const before = lineBefore(source, start);
  if (/^\s*\|?\s*$/.test(line) && line.includes("|")) return source.slice(0, start); // a row's first stroke
  const isSecond = isDelimiterRow(line) && before.includes("|") && !before.includes("---");
  if (isSecond) return source.slice(0, start) + delimiters(before);
  const isHeader = /^\s*\|/.test(line) && !before.includes("|");
  if (isHeader) return `${source.slice(0, start)}${line.replace(/\|?\s*$/, "|")}\n${delimiters(line)}`;
  if (line === "" && /^\s*\|/.test(before) && !lineBefore(source, start - before.length - 1).includes("|")) {
    return source + delimiters(before);
  }
  return source;
}

function delimiters(header: string): string {
  const cells = header
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/);
  return `|${cells.map(() => "---|").join("")}`;
}

// ---- inline ---------------------------------------------------------------------------------------------

const SEGMENT = /\n\s*\n|\n\s*(?:[-*+]|\d{1,9}[.)])\s|\n\s*#{1,6}\s|\n\s*>|\n\s*\|/g;
/** What is still open after so many characters was not meant as markup. */
const PATIENCE = 400;

interface Delimiter {
  char: string;
  length: number;
}

function closeInline(source: string): string {
  let start = 0;
  for (const match of source.matchAll(SEGMENT)) start = match.index + 1;
  return source.slice(0, start) + new Scan(source.slice(start)).result();
}

/** One pass over the text of the last paragraph, item or row. */
class Scan {
  #out = "";
  #at = 0;
  #open: Delimiter[] = [];
  #closers = "";
  #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  result(): string {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] as string;
      const step = this.#steps[char];
      if (step && step.call(this, char) === "end") break;
      if (!step) this.#take(1);
    }
    for (const { char, length } of this.#open.reverse()) this.#closers += char.repeat(length);
    return this.#closers ? this.#out.trimEnd() + this.#closers : this.#out;
  }

  #steps: Record<string, (char: string) => "end" | undefined> = {
    "\\": this.#escape,
    "`": this.#code,
    $: this.#math,
    "!": this.#image,
    "[": this.#link,
    "<": this.#tag,
    "*": this.#emphasis,
    _: this.#emphasis,
    "~": this.#emphasis,
  };

  #take(length: number): undefined {
    this.#out += this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }

  /** Holds the rest back while it may still become what it begins; later it is text. */
  #hold(): "end" | undefined {
    return this.#rest().length < PATIENCE ? "end" : this.#take(1);
  }

  #escape(): "end" | undefined {
    const math = /^\\([([])/.exec(this.#rest());
    if (this.#rest().length === 1) return "end";
    if (!math) return this.#take(2);
    const close = this.#text.indexOf(math[1] === "(" ? "\\)" : "\\]", this.#at + 2);
    return close < 0 ? this.#hold() : this.#take(close + 2 - this.#at);
  }

  #code(): "end" | undefined {
    const ticks = /^`+/.exec(this.#rest())?.[0] ?? "`";
    const after = this.#at + ticks.length;
    const body = this.#text.slice(after);
    const close = new RegExp(`(?<!\`)${ticks}(?!\`)`).exec(body);
    if (close) return this.#take(ticks.length + close.index + ticks.length);
    const code = body.replace(/`+$/, "");
    if (code.trim() === "") return "end";
    this.#out += ticks + code;
    this.#closers = ticks;
    return "end";
  }

  #math(): "end" | undefined {
    const rest = this.#rest();
    const whole = /^\$\$[\s\S]+?\$\$|^\$(?![\s\d])[^\n$]*?[^\s\\$]\$(?!\d)/.exec(rest);
    if (whole) return this.#take(whole[0].length);
    if (rest.startsWith("$$")) return this.#hold();
    const mayBeMath = /^\$(?:[A-Za-z\\({|+-][^\n$]{0,80})?$/.test(rest);
    return mayBeMath ? "end" : this.#take(1);
  }

  #image(): "end" | undefined {
    const rest = this.#rest();
    if (!/^!(?:\[|$)/.test(rest)) return this.#take(1);
    const whole = /^!\[[^\]]*\]\([^)]*\)/.exec(rest);
    return whole ? this.#take(whole[0].length) : rest === "!" ? this.#take(1) : this.#hold();
  }

  /** The words of a link are shown as they come, its target never. */
  #link(): "end" | undefined {
    const rest = this.#rest();
    const whole = /^\[(?:[^\][]|\[[^\]]*\])*\]\([^)]*\)/.exec(rest);
    if (whole) return this.#take(whole[0].length);
    const words = /^\[((?:[^\][]|\[[^\]]*\])*)(?:\]\([^)]*|\])?$/.exec(rest);
    if (!words || rest.length > PATIENCE) return this.#take(1);
    this.#out += new Scan(words[1] ?? "").result();
    return "end";
  }

  #tag(): "end" | undefined {
    return /^<[A-Za-z/!][^>]*$/.test(this.#rest()) ? this.#hold() : this.#take(1);
  }

  #emphasis(char: string): "end" | undefined {
    let end = this.#at;
    while (this.#text[end] === char) end += 1;
    const length = end - this.#at;
    const before = this.#text[this.#at - 1] ?? " ";
    const after = this.#text[end];
    if (after === undefined) return this.#emphasisAtEnd(char, length, before);
    const isWithinWord = /[\p{L}\p{N}]/u.test(before) && /[\p{L}\p{N}]/u.test(after);
    if (!/\s/.test(before) && this.#close(char, length)) return this.#take(length);
    if (!/\s/.test(after) && !isWithinWord && (char !== "~" || length === 2)) this.#open.push({ char, length });
    return this.#take(length);
  }

  /** The run of `*` that ends the text: a whole closer stays; half a closer and every opener wait for more. */
  #emphasisAtEnd(char: string, length: number, before: string): "end" | undefined {
    const open = this.#open.filter((delimiter) => delimiter.char === char).reduce((sum, one) => sum + one.length, 0);
    if (open > 0 && !/\s/.test(before) && length >= open && this.#close(char, length)) return this.#take(length);
    return "end";
  }

  /** Takes delimiters of `char` off the stack, as many as `length` closes. */
  #close(char: string, length: number): boolean {
    let left = length;
    while (left > 0) {
      const index = this.#open.findLastIndex((delimiter) => delimiter.char === char);
      const delimiter = this.#open[index];
      if (!delimiter) break;
      const closed = Math.min(left, delimiter.length);
      left -= closed;
      delimiter.length -= closed;
      if (delimiter.length === 0) this.#open.splice(index);
    }
    return left < length;
  }
}
