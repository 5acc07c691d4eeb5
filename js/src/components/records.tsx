/** A list of records as a table that sorts. */
import { useLayoutEffect, useState } from "preact/hooks";
import type { ListProps } from "../assist/assist.ts";
import { withAsset } from "../markdown/services.ts";
import type { Direction, SortPart } from "../markdown/table.ts";
import { allRows, Words } from "../strings.ts";
import { useWidget } from "./context.ts";
import { ShowAll } from "./show-all.tsx";

const ROW_LIMIT = 20; // rows shown at first

type Row = Record<string, unknown>;

/** A list of objects that share their keys and hold no further objects. */
function isRecords(value: unknown): value is Row[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const keys = Object.keys(value[0] ?? {}).join("\0");
  if (keys === "") return false;
  return value.every(
    (row) =>
      typeof row === "object" &&
      row !== null &&
      Object.keys(row).join("\0") === keys &&
      Object.values(row).every((cell) => typeof cell !== "object" || cell === null),
  );
}

interface Sorting {
  column: string;
  direction: Direction;
  rows: Row[];
}

const NEXT: Record<Direction, Direction> = { none: "ascending", ascending: "descending", descending: "none" };

/** A list that a tool gave: records as a table; `otherwise`, where it is none. */
export function List({ list, otherwise }: ListProps) {
  return isRecords(list) ? <Records records={list} /> : otherwise;
}

function Records({ records }: { records: Row[] }) {
  const { services } = useWidget();
  const [all, setAll] = useState(false);
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const columns = Object.keys(records[0] ?? {});
  const rows = sorting?.rows ?? records;
  const shown = all ? rows : rows.slice(0, ROW_LIMIT);
  useLayoutEffect(() => withAsset("sort.js", services, () => undefined), [services]); // the look of its heads
  const directionOf = (column: string): Direction => (column === sorting?.column ? sorting.direction : "none");
  const sort = (column: string) =>
    withAsset<SortPart>("sort.js", services, ({ order }) => {
      const direction = NEXT[directionOf(column)];
      const cells = records.map((row) => String(row[column] ?? ""));
      const sorted = order(cells, direction === "ascending" ? 1 : -1).map((at) => records[at] as Row);
      setSorting(direction === "none" ? null : { column, direction, rows: sorted });
    });
  return (
    <>
      <div class="cw-scroll" tabIndex={0} role="group" aria-label={Words.OutputTable}>
        <table class="cw-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col" aria-sort={directionOf(column)}>
                  <button type="button" class="cw-sort" onClick={() => sort(column)}>
                    {column}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, index) => (
              <tr key={index}>
                {columns.map((column) => (
                  <td key={column} class={typeof row[column] === "number" ? "cw-number" : ""}>
                    {row[column] === null ? <span class="cw-muted">{Words.Null}</span> : String(row[column])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < records.length && <ShowAll text={allRows(records.length)} act={() => setAll(true)} />}
    </>
  );
}
