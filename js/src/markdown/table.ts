/** Tables: one that grows gets its new rows alone, one that is complete sorts by its heads (see parts/sort.ts). */
import type { Token, Tokens } from "marked";
import { type Services, withAsset } from "./services.ts";

export type Direction = "ascending" | "descending" | "none";

export interface SortPart {
  /** The order of cells by their text: numbers as numbers, what is empty last. `sign`: 1 ascending, -1 descending. */
  order(cells: readonly string[], sign: 1 | -1): number[];
  makeSortable(root: ParentNode): void;
}

/** Gives the tables below `root` heads to click on. */
export function makeSortable(root: ParentNode, services: Services): void {
  if (root.querySelector("table")) withAsset<SortPart>("sort.js", services, (part) => part.makeSortable(root));
}

/** Text of a row's cells, to see whether it has changed. */
const rowKey = (row: Tokens.TableCell[]): string => row.map(({ text }) => text).join("\0");

/** The one table that a block consists of, or undefined. */
export function onlyTable(tokens: readonly Token[]): Tokens.Table | undefined {
  const [table, ...more] = tokens.filter(({ type }) => type !== "space");
  return table?.type === "table" && more.length === 0 ? (table as Tokens.Table) : undefined;
}

/** Rows of `after` that can stay as `before` has them drawn; 0 where all must be drawn again. */
export function sameRows(before: Tokens.Table, after: Tokens.Table): number {
  if (rowKey(before.header) !== rowKey(after.header) || before.align.join() !== after.align.join()) return 0;
  let same = 0;
  for (const row of before.rows) {
    const other = after.rows[same];
    if (!other || rowKey(row) !== rowKey(other)) break;
    same += 1;
  }
  return same;
}
