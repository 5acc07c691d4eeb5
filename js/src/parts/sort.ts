/** On demand: tables that sort by a click on a column's head. */
import type { Direction } from "../markdown/table.ts";
import { addStyle } from "./add-style.ts";
import css from "./sort.css";

addStyle("copilot-widget-sort", css);

/** Sorts by the text of cells: numbers as numbers, what is empty last. `sign`: 1 ascending, -1 descending. */
export function order(cells: readonly string[], sign: 1 | -1): number[] {
  const numbers = cells.map(numberOf);
  const isNumeric = cells.every((cell, index) => isEmpty(cell) || !Number.isNaN(numbers[index]));
  const indices = cells.map((_, index) => index);
  return indices.sort((one, other) => {
    const [a = "", b = ""] = [cells[one], cells[other]];
    if (isEmpty(a) || isEmpty(b)) return Number(isEmpty(a)) - Number(isEmpty(b));
    const difference = isNumeric ? (numbers[one] as number) - (numbers[other] as number) : collator.compare(a, b);
    return sign * difference || one - other;
  });
}

const collator = new Intl.Collator(undefined, { numeric: true });
const isEmpty = (cell: string): boolean => /^(?:|-|–|nan|nat|none|null|<na>)$/i.test(cell.trim());

/** "1,204.50", "−903", "41 %", "$5", "1e-3". NaN for what is no number. */
function numberOf(cell: string): number {
  const plain = cell
    .trim()
    .replace("−", "-")
    .replace(/^([-+]?)[$€£¥]\s?|\s?[%€]$/g, "$1");
  const ungrouped = /^[-+]?\d{1,3}(?:[,\s\u202f]\d{3})+(?:\.\d+)?$/.test(plain)
    ? plain.replace(/[,\s\u202f]/g, "")
    : plain;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(ungrouped) ? Number(ungrouped) : Number.NaN;
}

const NEXT: Record<Direction, Direction> = { none: "ascending", ascending: "descending", descending: "none" };

/** Gives the tables below `root` buttons in their heads, where rows and columns are what they seem. */
export function makeSortable(root: ParentNode): void {
  for (const table of root.querySelectorAll("table")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2 || table.querySelector("[colspan],[rowspan],.cw-sort")) continue;
    const head = table.tHead?.rows[0];
    const rows = [...body.rows];
    for (const cell of head?.cells ?? []) if (cell.tagName === "TH") addButton(cell, table, rows);
  }
}

function addButton(cell: HTMLTableCellElement, table: HTMLTableElement, rows: HTMLTableRowElement[]): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "cw-sort";
  button.append(...cell.childNodes);
  cell.append(button);
  cell.scope = "col";
  button.addEventListener("click", () => {
    const direction = NEXT[(cell.ariaSort as Direction | null) ?? "none"];
    for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
    if (direction !== "none") cell.setAttribute("aria-sort", direction);
    const texts = rows.map((row) => row.cells[cell.cellIndex]?.textContent ?? "");
    const sorted = direction === "none" ? rows : order(texts, direction === "ascending" ? 1 : -1).map((at) => rows[at]);
    table.tBodies[0]?.replaceChildren(...(sorted as HTMLTableRowElement[]));
  });
}
