// @vitest-environment jsdom
import { describe, expect, it, vi } from "vitest";
import * as part from "../parts/sort.ts";
import { lex } from "./lexer.ts";
import { onlyTable, sameRows } from "./table.ts";
import { TextView } from "./text-view.ts";

vi.mock("./services.ts", () => ({
  withAsset: (name: string, _: unknown, use: (module: unknown) => void) => name === "sort.js" && use(part),
}));

const { makeSortable, order } = part;

const sorted = (cells: string[], sign: 1 | -1 = 1) => order(cells, sign).map((at) => cells[at]);

describe("order", () => {
  it("takes numbers as numbers, whatever their dress, and puts what is empty last either way", () => {
    expect(sorted(["1,204.50", "", "−903.25", "812", "NaN"])).toEqual(["−903.25", "812", "1,204.50", "", "NaN"]);
    expect(sorted(["9 %", "10 %", "-"], -1)).toEqual(["10 %", "9 %", "-"]);
    expect(sorted(["$10", "$9", "$1e1"])).toEqual(["$9", "$10", "$1e1"]);
    expect(sorted(["b", "a10", "a9", "B"])).toEqual(["a9", "a10", "b", "B"]);
    expect(sorted(["10", "9", "x"])).toEqual(["9", "10", "x"]);
  });

  it("is stable", () => {
    expect(order(["1", "1", "0", "1"], 1)).toEqual([2, 0, 1, 3]);
    expect(order(["1", "1", "0", "1"], -1)).toEqual([0, 1, 3, 2]);
  });
});

const TABLE = "| name | n |\n|---|--:|\n| a | 10 |\n| b | 9 |\n| **c** | 100 |\n";

function view(): TextView {
  return new TextView(document.createElement("div"), { fetchAsset: () => new Promise(() => {}), insertCell: null });
}

const column = (root: Element, index: number) =>
  [...root.querySelectorAll("tbody tr")].map((row) => row.children[index]?.textContent);

describe("a table of an answer", () => {
  it("does not sort while it streams, then does by a click on its heads, round to its own order", () => {
    const stream = view();
    stream.update(TABLE, false);
    expect(stream.element.querySelector("button")).toBeNull();
    stream.update(TABLE, true);
    const [name, number] = stream.element.querySelectorAll<HTMLElement>("th");
    number?.querySelector("button")?.click();
    expect(column(stream.element, 1)).toEqual(["9", "10", "100"]);
    expect(number?.getAttribute("aria-sort")).toBe("ascending");
    number?.querySelector("button")?.click();
    expect(column(stream.element, 1)).toEqual(["100", "10", "9"]);
    name?.querySelector("button")?.click();
    expect(number?.getAttribute("aria-sort")).toBeNull();
    expect(column(stream.element, 0)).toEqual(["a", "b", "c"]);
    for (const _ of "12") name?.querySelector("button")?.click();
    expect(column(stream.element, 1)).toEqual(["10", "9", "100"]);
  });

  it("sorts once another block follows it", () => {
    const stream = view();
    stream.update(`${TABLE}\nAnd`, false);
    expect(stream.element.querySelectorAll(".cw-sort")).toHaveLength(2);
  });

  it("keeps the rows it has while it grows", () => {
    const stream = view();
    const rows = new Set<Element>();
    for (let cut = 1; cut <= TABLE.length; cut++) {
      stream.update(TABLE.slice(0, cut), false);
      for (const row of stream.element.querySelectorAll("tbody tr:not(:last-child)")) rows.add(row);
    }
    expect(rows.size).toBe(2);
    expect(column(stream.element, 0)).toEqual(["a", "b", "c"]);
    expect(stream.element.querySelector("strong")?.textContent).toBe("c");
  });

  it("is drawn anew where it has changed", () => {
    const [one, other] = [TABLE, TABLE.replace("| n |", "| m |")].map((text) => onlyTable(lex(text)));
    expect(one && sameRows(one, one)).toBe(3);
    expect(one && other && sameRows(one, other)).toBe(0);
    expect(onlyTable(lex(`${TABLE}\ntext`))).toBeUndefined();
  });
});

it("leaves tables alone whose cells span several", () => {
  const box = document.createElement("div");
  box.innerHTML =
    "<table><thead><tr><th colspan=2>a</th></tr></thead><tbody><tr><td>1<td>2</tr><tr><td>1<td>2</tr></tbody></table>";
  makeSortable(box);
  expect(box.querySelector("button")).toBeNull();
});
