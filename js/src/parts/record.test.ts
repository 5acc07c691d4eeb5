import { describe, expect, it } from "vitest";
import type { AnyModel } from "../host.ts";
import { setRecord } from "./record.ts";

const VIEW = "application/vnd.jupyter.widget-view+json";
const RECORD = { data: { "text/html": '<div class="copilot-record">new</div>', "text/plain": "new" }, metadata: {} };

function page(...outputs: Record<string, unknown>[]) {
  const changed: [number, object][] = [];
  const list = {
    length: outputs.length,
    get: (index: number) => ({ data: outputs[index] }),
    set: (index: number, output: object) => void changed.push([index, output]),
  };
  const cells = { get: (index: number) => (index === 2 ? { outputs: list } : undefined) };
  return { model: { widget_manager: { context: { model: { cells } } } } as unknown as AnyModel, changed };
}

const view = (id: string) => ({ [VIEW]: { model_id: id } });
const record = (text: string) => ({ "text/html": `<div class="copilot-record">${text}</div>` });

describe("the record in a page that was loaded later", () => {
  it("is set in the output before the view that it belongs to", () => {
    const { model, changed } = page(record("of another"), view("other"), record("old"), view("mine"));
    expect(setRecord(model, ["mine"], 2, RECORD)).toBe(true);
    expect(changed).toEqual([[2, { output_type: "display_data", ...RECORD }]]);
  });

  it("is left alone where it is the same", () => {
    const { model, changed } = page(record("new"), view("mine"));
    expect(setRecord(model, ["mine"], 2, RECORD)).toBe(true);
    expect(changed).toEqual([]);
  });

  it("never takes the place of another output", () => {
    for (const outputs of [[{ "text/html": "<b>a table</b>" }, view("mine")], [view("mine")], [record("old")]]) {
      const { model, changed } = page(...outputs);
      expect(setRecord(model, ["mine"], 2, RECORD)).toBe(false);
      expect(changed).toEqual([]);
    }
    expect(setRecord({} as AnyModel, ["mine"], 0, RECORD)).toBe(false);
  });
});
