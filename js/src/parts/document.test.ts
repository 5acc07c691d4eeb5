// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import type { AnyModel, SharedCell } from "../host.ts";
import { act } from "./document.ts";

const VIEW = "application/vnd.jupyter.widget-view+json";

class Cell implements SharedCell {
  metadata: Record<string, unknown> = {};
  outputs: unknown[] = [];
  constructor(
    readonly id: string,
    public source: string,
    public execution_count: number | null = null,
    readonly cell_type = "code",
  ) {}
  getSource = () => this.source;
  setSource = (source: string) => {
    this.source = source;
  };
  getOutputs = () => this.outputs;
  getMetadata = () => this.metadata;
}

function notebook() {
  const own = new Cell("own", "%copilot fix", 2);
  own.outputs = [{ output_type: "display_data", data: { [VIEW]: { model_id: "w1" } } }];
  const cells = [new Cell("a", "x = 1", 1), own, new Cell("c", "# Title", null, "markdown"), new Cell("d", "y", 3)];
  let made = 0;
  const sharedModel = {
    cells,
    insertCell: (index: number, cell: { cell_type: string; source: string }) => {
      made += 1;
      cells.splice(index, 0, new Cell(`new${made}`, cell.source, null, cell.cell_type));
    },
    deleteCell: (index: number) => void cells.splice(index, 1),
  };
  const context = { model: { sharedModel, readOnly: false }, contentsModel: { writable: true } };
  const model = { widget_manager: { context } } as unknown as AnyModel;
  const ask = (op: string, more: Record<string, unknown> = {}, widgets = ["w0", "w1"]) =>
    act(model, widgets, { type: "request", id: "q", page: "p", op, ...more });
  return { cells, context, ask, sources: () => cells.map(({ source }) => source) };
}

const cut = (length: number) => "z".repeat(length);

describe("reading", () => {
  it("lists cells with what a model may read of their outputs", async () => {
    const { cells, ask } = notebook();
    const last = cells[3] as Cell;
    last.metadata = { tags: ["exercise"] };
    last.outputs = [
      { output_type: "stream", name: "stdout", text: ["one\n", "two\n"] },
      { output_type: "error", ename: "NameError", evalue: "no y", traceback: ["\u001b[31mline 1\u001b[0m"] },
      { output_type: "display_data", data: { "image/png": cut(90_000), "text/plain": "<Figure>" } },
      { output_type: "execute_result", data: { "text/plain": cut(500) } },
    ];
    const answer = (await ask("cells", { outputs: 100 })) as { total: number; own: number; cells: never[] };
    expect(answer).toMatchObject({ total: 4, own: 1 });
    expect(answer.cells[1]).toMatchObject({ id: "own", isOwn: true, executionCount: 2 });
    expect(answer.cells[3]).toEqual({
      id: "d",
      index: 3,
      type: "code",
      executionCount: 3,
      tags: ["exercise"],
      source: "y",
      outputs: [
        { type: "stream", name: "stdout", text: "one\ntwo\n" },
        { type: "error", text: "NameError: no y\nline 1" },
        { type: "display_data", text: "<Figure>", mimes: ["image/png", "text/plain"] },
        { type: "execute_result", text: expect.stringContaining("[400 characters cut]"), mimes: ["text/plain"] },
      ],
    });
    expect(JSON.stringify(answer).length).toBeLessThan(2_000);
    expect(await ask("cells", { from: 2, to: 3 })).toMatchObject({ total: 4, cells: [{ id: "c", type: "markdown" }] });
    expect(await ask("cells", { cell: "[3]" })).toMatchObject({ cells: [{ id: "d" }] });
  });

  it("finds a cell by id or number, and says which it cannot tell apart", async () => {
    const { cells, ask } = notebook();
    for (const name of ["a", "1", "[1]", " [ 1 ] "])
      expect(await ask("cell", { cell: name })).toMatchObject({ id: "a" });
    expect(await ask("cell")).toMatchObject({ id: "own" });
    await expect(ask("cell", { cell: "[9]" })).rejects.toMatchObject({ code: "not-found" });
    await expect(ask("cell", { cell: "zz" })).rejects.toMatchObject({ code: "not-found" });
    (cells[3] as Cell).execution_count = 1;
    await expect(ask("cell", { cell: "1" })).rejects.toMatchObject({
      code: "ambiguous",
      message: expect.stringMatching(/2 cells are \[1\].*a, d/),
    });
  });

  it("has nothing to do with another notebook on the same kernel, or none", async () => {
    const { ask } = notebook();
    await expect(ask("cells", {}, ["w9"])).rejects.toMatchObject({ code: "elsewhere" });
    const model = { widget_manager: {} } as AnyModel;
    const request = { type: "request" as const, id: "q", page: "p", op: "cells" };
    await expect(act(model, ["w1"], request)).rejects.toMatchObject({ code: "no-document" });
    await expect(ask("format")).rejects.toMatchObject({ code: "bad-request" });
    await expect(ask("picture", { cell: "a" })).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("changing", () => {
  it("inserts below or above a cell, and below its own", async () => {
    const { ask, sources } = notebook();
    expect(await ask("insert", { source: "one" })).toMatchObject({ id: "new1", index: 2, beside: "own" });
    await ask("insert", { source: "two", cell: "d", place: "above", cellType: "markdown" });
    expect(sources()).toEqual(["x = 1", "%copilot fix", "one", "# Title", "two", "y"]);
  });

  it("changes and removes only what is as expected", async () => {
    const { cells, ask, sources } = notebook();
    expect(await ask("edit", { cell: "d", expected: "y", source: "y = 2" })).toMatchObject({ id: "d" });
    await expect(ask("edit", { cell: "d", expected: "y", source: "no" })).rejects.toMatchObject({ code: "changed" });
    await expect(ask("remove", { cell: "d", expected: "y" })).rejects.toMatchObject({ code: "changed" });
    await expect(ask("remove", { cell: "own", expected: "%copilot fix" })).rejects.toMatchObject({
      code: "bad-request",
    });
    (cells[0] as Cell).metadata = { editable: false };
    await expect(ask("edit", { cell: "a", expected: "x = 1", source: "" })).rejects.toMatchObject({
      code: "read-only",
    });
    await ask("remove", { cell: "d", expected: "y = 2" });
    expect(sources()).toEqual(["x = 1", "%copilot fix", "# Title"]);
  });

  it("leaves a read-only notebook alone, and reads it", async () => {
    const { context, ask, sources } = notebook();
    context.contentsModel.writable = false;
    await expect(ask("insert", { source: "one" })).rejects.toMatchObject({ code: "read-only" });
    await expect(ask("edit", { cell: "d", expected: "y", source: "" })).rejects.toMatchObject({ code: "read-only" });
    context.contentsModel.writable = true;
    context.model.readOnly = true;
    await expect(ask("remove", { cell: "d", expected: "y" })).rejects.toMatchObject({ code: "read-only" });
    expect(sources().length).toBe(4);
    expect(await ask("cell", { cell: "d" })).toMatchObject({ source: "y" });
  });

  it("says so where the page did not take a change", async () => {
    const { cells, ask } = notebook();
    (cells[3] as Cell).setSource = () => undefined;
    await expect(ask("edit", { cell: "d", expected: "y", source: "z" })).rejects.toMatchObject({ code: "failed" });
  });
});
