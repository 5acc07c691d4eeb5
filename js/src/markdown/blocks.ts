/**
 * Splits a markdown text that grows into blocks, so that only the last one need be drawn again.
 *
 * A block is final once another one follows it. Where one block grows long (a code fence, a list, a paragraph) its
 * beginning is split off too, so that the cost of a token does not grow with the answer; at the end of the text the
 * pieces are joined again.
 */

import { withoutReferences } from "./inline.ts";
import { definitionsIn, lexBlocks } from "./lexer.ts";
import { repair } from "./repair.ts";

export type Block = MarkdownBlock | CodeBlock;

export interface MarkdownBlock {
  kind: "markdown";
  source: string;
  /** A part of a long paragraph. */
  isPiece?: true;
}

export interface CodeBlock {
  kind: "code";
  source: string;
  language: string;
  code: string;
  open: boolean;
}

/** Characters after which the beginning of one block is split off. */
const LONG = 1_200;

const LIST = /^\s*(?:[-*+]|\d{1,9}[.)])\s/;
const FENCE = /^ {0,3}(`{3,}(?=[^`\n]*\n)|~{3,}(?!~))([^\n]*)\n/;

const DEFINITION = /^[ >]*\[[^\]\n]+\]:\s/m;
const LABEL = /\[((?:\\.|[^[\]\\])+)\]/g;

export class BlockStream {
  #done: Block[] = [];
  #offset = 0; // where in the text the first block begins that is not final
  #isPiece = false; // that block goes on with the last final one's paragraph
  #isProvisional = false; // final blocks are not yet what the whole text makes of them
  #scanned = 0; // in an open fence: no closing fence before this offset

  /** The blocks of `text`, which begins with the text of the call before. Final blocks stay the same objects. */
  update(text: string, ended: boolean): Block[] {
    if (ended) return this.#end(text);
    for (;;) {
      const tail = text.slice(this.#offset);
      const fence = FENCE.exec(tail);
      if (fence) {
        const code = this.#fence(tail, fence);
        if (code.open) return [...this.#done, code];
        this.#commit(code);
        continue;
      }
      const ready = this.#ready(tail);
      for (const block of ready) this.#commit(block);
      if (ready.length > 0 || this.#split(tail)) continue;
      const source = repair(withoutReferences(tail));
      return showsNothing(source) ? [...this.#done] : [...this.#done, this.#markdown(source)];
    }
  }

  #markdown(source: string): MarkdownBlock {
    return this.#isPiece ? { kind: "markdown", source, isPiece: true } : { kind: "markdown", source };
  }

  /** Makes `block` final. `goesOn`: it is a piece of a paragraph, and so is what follows. */
  #commit(block: Block, goesOn = false): void {
    const isPiece = block.kind === "markdown" && (goesOn || this.#isPiece);
    if (!showsNothing(block.source)) this.#done.push(this.#provisional(isPiece ? { ...block, isPiece } : block));
    this.#offset += block.source.length;
    this.#isPiece = goesOn;
    this.#scanned = 0;
  }

  #provisional(block: Block): Block {
    const source = block.kind === "markdown" ? withoutReferences(block.source) : block.source;
    if (source === block.source) return block;
    this.#isProvisional = true;
    return { ...block, source };
  }

  #end(text: string): Block[] {
    if (this.#isProvisional || this.#offset === 0) {
      this.#offset = 0;
      this.#done = [];
    }
    const rest = grouped(text.slice(this.#offset)).map(toBlock);
    const blocks = [...this.#done, ...rest].filter(({ source }) => !showsNothing(source));
    const definitions = DEFINITION.test(text) ? definitionsIn(text) : null; // a link may be defined in another block
    return definitions?.size ? blocks.map((block) => withDefinitions(block, definitions)) : blocks;
  }

  /** Blocks that no later text can change: all before the last one. */
  #ready(tail: string): Block[] {
    // Half a line may yet turn out to be the next item of the list before it.
    const groups = grouped(LIST.test(tail) ? tail.slice(0, tail.lastIndexOf("\n") + 1) : tail);
    const last = groups.findLastIndex((group) => group.trim() !== "");
    return groups.slice(0, Math.max(last, 0)).map(toBlock);
  }

  #fence(tail: string, fence: RegExpExecArray): CodeBlock {
    const marker = fence[1] as string;
    const start = fence[0].length;
    const closing = new RegExp(`^ {0,3}${marker[0]}{${marker.length},}[ \\t]*(?:\\n|$)`, "gm");
    closing.lastIndex = Math.max(start, tail.lastIndexOf("\n", this.#scanned) + 1);
    const close = closing.exec(tail);
    const isClosed = close?.[0].endsWith("\n") ?? false;
    this.#scanned = Math.max(0, tail.length - 1);
    const end = close ? close.index : tail.length;
    const code = close ? tail.slice(start, end).replace(/\n$/, "") : withoutFenceStart(tail.slice(start, end), marker);
    const source = close && isClosed ? tail.slice(0, close.index + close[0].length) : tail;
    return { kind: "code", source, language: (fence[2] ?? "").trim(), code, open: !isClosed };
  }

  /** Makes the beginning of the last block final where that has grown long and can be cut. */
  #split(tail: string): boolean {
    if (tail.length < LONG) return false;
    const inList = listCut(tail);
    const cut = inList || paragraphCut(tail);
    if (cut === 0) return false;
    this.#isProvisional = true;
    this.#commit({ kind: "markdown", source: tail.slice(0, cut) }, inList === 0);
    return true;
  }
}

/** Blank, or nothing but what links refer to. */
function showsNothing(source: string): boolean {
  if (source.trim() === "") return true;
  return DEFINITION.test(source) && lexBlocks(source).every(({ type }) => type === "def" || type === "space");
}

/** A block that refers to definitions gets them, so that it can be drawn by itself; all others stay as they are drawn. */
function withDefinitions(block: Block, definitions: ReadonlyMap<string, string>): Block {
  if (block.kind === "code") return block;
  const labels = Array.from(block.source.matchAll(LABEL), ([, label = ""]) => label.toLowerCase().replace(/\s+/g, " "));
  const known = [...new Set(labels)].flatMap((label) => definitions.get(label) ?? []);
  const used = known.filter((definition) => !block.source.includes(definition));
  return used.length > 0 ? { ...block, source: `${used.join("\n")}\n\n${block.source}` } : block;
}

/** A line that may become the closing fence is not shown as code. */
function withoutFenceStart(code: string, marker: string): string {
  const start = code.lastIndexOf("\n") + 1;
  const line = code.slice(start);
  const isStart = line !== "" && marker.startsWith(line.trim()) && line.trim() !== "";
  return (isStart ? code.slice(0, start) : code).replace(/\n$/, "");
}

/** The texts of the top-level blocks; html that is opened in one and closed in another stays in one. */
function grouped(text: string): string[] {
  const groups: string[] = [];
  let depth = 0;
  for (const token of lexBlocks(text)) {
    if (depth > 0) groups[groups.length - 1] += token.raw;
    else groups.push(token.raw);
    if (token.type === "html") depth = Math.max(0, depth + balance(token.raw));
  }
  return groups;
}

function balance(html: string): number {
  const opened = html.match(/<(?:details|div|table|blockquote|center|section)\b/gi)?.length ?? 0;
  const closed = html.match(/<\/(?:details|div|table|blockquote|center|section)\s*>/gi)?.length ?? 0;
  return opened - closed;
}

function toBlock(source: string): Block {
  const fence = FENCE.exec(source);
  if (!fence) return { kind: "markdown", source };
  const marker = fence[1] as string;
  const body = source.slice(fence[0].length);
  const close = new RegExp(`(?:^|\\n) {0,3}${marker[0]}{${marker.length},}[ \\t]*\\n*$`).exec(body);
  const code = (close ? body.slice(0, close.index) : body).replace(/\n$/, "");
  return { kind: "code", source, language: (fence[2] ?? "").trim(), code, open: false };
}

const ITEM = /\n(?=(?:[-*+]|\d{1,9}[.)])\s)/g;

/** Where a long top-level list can be cut: before its last item. 0 where it cannot. */
function listCut(tail: string): number {
  if (!/^(?:[-*+]|\d{1,9}[.)])\s/.test(tail)) return 0;
  let cut = 0;
  for (const match of tail.matchAll(ITEM)) cut = match.index + 1;
  return cut;
}

const PARAGRAPH = /^ {0,3}(?![>#|<~]|[-*+]\s|\d{1,9}[.)]\s|`{3})\S/;

/** Where a long paragraph can be cut: before a plain word, with no markup open. 0 where it cannot. */
function paragraphCut(tail: string): number {
  if (!PARAGRAPH.test(tail) || /\n\s*\n|\n\s*[|>#\-*+<]/.test(tail.trimEnd())) return 0;
  let space = tail.length - 100; // the end stays movable: markup that opens there may span some words
  for (let attempt = 0; attempt < 20; attempt++) {
    space = tail.lastIndexOf(" ", space - 1);
    if (space < LONG / 2) return 0;
    const head = tail.slice(0, space + 1);
    if (
      /^\p{L}/u.test(tail.slice(space + 1)) &&
      /[\p{L}\p{N}.,;:)] $/u.test(head) &&
      repair(`${head}x`) === `${head}x`
    ) {
      return space + 1;
    }
  }
  return 0;
}
