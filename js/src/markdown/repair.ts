/**
 * Makes the end of a markdown text that still streams look as it will: no raw `**`, `](`, fence or `|---` shows up for
 * the moment until its other half arrives. What cannot be shown yet is held back, what is open is closed.
 */
import { closed } from "./inline.ts";

/** `source` is the last block of a text; the blocks before it are complete. */
export function repair(source: string): string {
  const fence = openFence(source);
  if (fence) return withoutHalfFence(source, fence);
  const whole = dropDanglingLine(source);
  return completeTable(closeInline(whole));
}

const QUOTES = String.raw`(?:\s{0,3}>\s?)*`;
const PREFIX = String.raw`\s*(?:>\s?|(?:[-*+]|\d{1,9}[.)])\s+)*`; // of quotes and list items

// ---- fences within quotes and lists ---------------------------------------------------------------------

interface Fence {
  marker: string;
  /** Where its first line begins, and where it ends. */
  start: number;
  end: number;
}

const FENCE_LINE = new RegExp(`^${PREFIX}(\`{3,}(?=[^\`]*$)|~{3,})(.*)$`);

/** The fence that is open at the end of `source`, its first line being complete. */
function openFence(source: string): Fence | null {
  if (!/`{3}|~{3}/.test(source)) return null;
  let open: Fence | null = null;
  let at = 0;
  for (const line of source.split("\n")) {
    const end = at + line.length + 1;
    const match = FENCE_LINE.exec(line);
    const marker = match?.[1] ?? "";
    if (open) {
      const closes = marker.startsWith(open.marker) && match?.[2]?.trim() === "" && end <= source.length;
      if (closes || (/^\s*$/.test(line) === false && isOutdented(line, source, open))) open = null;
    } else if (marker && end <= source.length) {
      open = { marker, start: at, end };
    }
    at = end;
  }
  return open;
}

/** A line that no longer belongs to the quote or item that holds the fence. */
function isOutdented(line: string, source: string, { start }: Fence): boolean {
  const first = source.slice(start);
  if (/^\s*>/.test(first)) return !/^\s*>/.test(line);
  const indent = /^\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?/.exec(first)?.[0].length ?? 0;
  return indent > 0 && /^(?:[-*+]|\d{1,9}[.)]|\S)/.test(line);
}

/** A line that may become the closing fence is not shown as code, nor is a fence without any. */
function withoutHalfFence(source: string, { marker, start, end }: Fence): string {
  const line = source.lastIndexOf("\n") + 1;
  const code = source.slice(line).replace(/^[\s>]*/, "");
  const isHalf = marker.startsWith(code.trim()) || code.startsWith(marker);
  const shown = isHalf ? source.slice(0, line) : source;
  return shown.slice(end).replace(/[\s>]/g, "") === "" ? source.slice(0, start) : shown;
}

// ---- the last line --------------------------------------------------------------------------------------

const DANGLING = [
  /^(?:[-*+]|\d{1,9}[.)]?)\s*$/, // a list marker, or half of `**`
  /^(?:[-*+]|\d{1,9}[.)])\s+\[(?:[ xX]\]?\s*)?$/, // a task's box
  /^#{1,6}\s*$/,
  /^(?:[-=_*]\s*)+$/, // a rule, or the underline that would make the line above a heading
  /^\[(?:[^\]\n]{0,40}\]?|[^\]\n]*\]:.*)$/, // what a reference means is not shown
  /^(?:`{1,2}|`{3,}[^`\n]*|~{2,}[^~\n]*)$/, // a fence whose first line is not complete
].map((pattern) => new RegExp(`^${PREFIX}${pattern.source.slice(1)}`));

/** Characters of a line that may be held back: the patterns above may take the square of its length. */
const LONGEST = 1_000;

function dropDanglingLine(source: string): string {
  const start = source.lastIndexOf("\n") + 1;
  const line = source.slice(start);
  if (new RegExp(`^${QUOTES}\\s*$`).test(line)) return line.includes(">") ? source.slice(0, start) : source;
  if (line.length > LONGEST || !DANGLING.some((pattern) => pattern.test(line))) return source;
  if (isDelimiterRow(line) && lineBefore(source, start).includes("|")) return source; // a table's, below
  return source.slice(0, start);
}

function lineBefore(source: string, start: number): string {
  return start === 0 ? "" : source.slice(source.lastIndexOf("\n", start - 2) + 1, start - 1);
}

// ---- tables ---------------------------------------------------------------------------------------------

const isDelimiterRow = (line: string): boolean => /^\s*[|:-][\s|:-]*$/.test(line);
const QUOTE = new RegExp(`^${QUOTES}`);

/** A header row becomes a table at once; marked wants a delimiter row with as many cells. */
function completeTable(source: string): string {
  const lines = source.split("\n");
  const quote = QUOTE.exec(lines.at(-1) || lines.at(-2) || "")?.[0] ?? "";
  const bare = lines.map((line) => (line.startsWith(quote) ? line.slice(quote.length) : line.replace(QUOTE, "")));
  let first = bare.length - 1;
  if (first > 0 && /^[\s:-]*$/.test(bare[first] as string)) first -= 1; // the row before is complete
  if (!bare[first]?.includes("|")) return source;
  while (first > 0 && bare[first - 1]?.includes("|")) first -= 1;
  const header = bare[first] as string;
  const rows = bare.length - 1 - first;
  const last = bare.at(-1) as string;
  const isOutlined = /^\s*\|/.test(header);
  if (rows === 0) return isOutlined ? headerOnly(lines, header, quote) : withoutFirstStroke(source, header);
  if (rows > 1) return /^\s*\|+\s*$/.test(last) ? source.slice(0, -last.length) : source; // a row's first stroke
  if (!isOutlined && last.trim() === "") return withoutFirstStroke(source.trimEnd(), header.trimEnd());
  const isTable = isOutlined ? isDelimiterRow(last) || last.trim() === "" : isDelimiterRow(last) && last.trim() !== "";
  return isTable ? [...lines.slice(0, -1), quote + delimiters(header)].join("\n") : source;
}

function headerOnly(lines: string[], header: string, quote: string): string {
  if (/^\s*\|+\s*$/.test(header)) return lines.slice(0, -1).join("\n");
  const row = quote + header.trimEnd().replace(/\|?$/, "|");
  return [...lines.slice(0, -1), row, quote + delimiters(header)].join("\n");
}

/** Characters of a line that are held back while it may be the header of a table without outer strokes. */
const HEADER = 100;

function withoutFirstStroke(source: string, header: string): string {
  const stroke = header.length > HEADER ? null : /^[^|`($]*\|/.exec(header);
  return stroke ? source.slice(0, source.length - header.length + stroke[0].length - 1).trimEnd() : source;
}

function delimiters(header: string): string {
  const cells = header
    .trim()
    .replace(/^\||(?<!\\)\|$/g, "")
    .split(/(?<!\\)\|/);
  return `|${cells.map(() => "---|").join("")}`;
}

// ---- the last paragraph, item or cell -------------------------------------------------------------------

const SEGMENT = /\n\s*\n|\n\s*(?:[-*+]|\d{1,9}[.)])\s|\n\s*#{1,6}\s|\n\s*>|\n\s*\|/g;
const HTML_BLOCK = /^\s*<\/?(?:details|summary|div|table|thead|tbody|tr|td|th|p|ul|ol|li|center|section|blockquote)\b/i;

function closeInline(source: string): string {
  let start = 0;
  for (const match of source.matchAll(SEGMENT)) start = match.index + 1;
  const segment = source.slice(start);
  const isHtml = HTML_BLOCK.test(segment); // its text is no markdown
  if (/^[\s>]*\|/.test(segment)) start += segment.search(/(?<!\\)\|[^|]*$/) + 1; // each cell by itself
  return source.slice(0, start) + closed(source.slice(start), source[start - 1] ?? " ", isHtml);
}
