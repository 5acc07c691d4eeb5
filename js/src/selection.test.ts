// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test } from "vitest";
import { selectionFor, watchSelection } from "./selection.ts";

const PAGE = `
  <div class="jp-Cell">
    <div class="jp-InputPrompt">[12]:</div>
    <div class="cm-editor"><div class="cm-line" id="code">df.head()</div></div>
    <div class="jp-OutputArea-output" id="output">a table</div>
    <div class="jp-OutputArea-output"><div class="copilot-widget" id="ours">an answer</div></div>
  </div>
  <div class="jp-Cell"><div class="jp-InputPrompt">[ ]:</div><div class="cm-editor" id="new">draft</div></div>
  <p id="elsewhere">a menu</p>`;
const ends: (() => void)[] = [];

function select(id: string): void {
  const element = document.getElementById(id);
  if (!element) throw new Error(id);
  document.getSelection()?.selectAllChildren(element);
  document.dispatchEvent(new Event("selectionchange"));
}

beforeEach(() => {
  document.body.innerHTML = PAGE;
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

test("nothing is noted while no view is mounted, nor sent unless the prompt asks for it", () => {
  select("code");
  expect(selectionFor("explain @selection")).toBeNull();
  ends.push(watchSelection(), watchSelection());
  select("code");
  expect(selectionFor("explain @selection, please")).toEqual({ text: "df.head()", cell: 12 });
  expect(selectionFor("explain")).toBeNull();
  expect(selectionFor("write to me@selection")).toBeNull();
  expect(selectionFor("@selections")).toBeNull();
  ends.pop()?.();
  select("output");
  expect(selectionFor("@selection")).toEqual({ text: "a table", cell: 12 });
  ends.pop()?.();
  select("code");
  expect(selectionFor("@selection")).toEqual({ text: "a table", cell: 12 });
});

test("what is selected in a widget, outside of cells, or is empty leaves it as it was; long text is cut", () => {
  ends.push(watchSelection());
  select("new");
  expect(selectionFor("@selection")).toEqual({ text: "draft" });
  select("ours");
  select("elsewhere");
  document.getSelection()?.removeAllRanges();
  document.dispatchEvent(new Event("selectionchange"));
  expect(selectionFor("@selection")).toEqual({ text: "draft" });
  const code = document.getElementById("code");
  if (code) code.textContent = "x".repeat(30_000);
  select("code");
  expect(selectionFor("@selection")?.text).toHaveLength(20_000);
});
