// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from "vitest";

beforeEach(() => vi.resetModules()); // what was asked for once a page is not asked for again

/** What is drawn at once, and the parts of the front end that were asked for. */
async function rendered(source: string): Promise<{ html: string; asked: string[] }> {
  const { renderMarkdown } = await import("./render.ts");
  const asked: string[] = [];
  const target = document.createElement("div");
  const fetchAsset = (name: string) => {
    asked.push(name);
    return new Promise<string>(() => undefined);
  };
  renderMarkdown(source, target, { fetchAsset, insertCell: null }, 0);
  return { html: target.innerHTML, asked };
}

it.each([
  ["a block", "<details><summary>More</summary>\n\nInside.\n\n</details>"],
  ["a line", "H<sub>2</sub>O"],
  ["a list", "- one\n  - H<sub>2</sub>O"],
  ["a quotation", "> **H<sub>2</sub>O**"],
  ["a table's head", "| H<sub>2</sub>O | b |\n|---|---|\n| 1 | 2 |"],
  ["a table's cell", "| a | b |\n|---|---|\n| 1 | H<sub>2</sub>O |"],
])("asks for the part that makes html where there is some in %s, and shows it without meanwhile", async (_, source) => {
  const { html, asked } = await rendered(source);
  expect(asked).toEqual(["markdown.js"]);
  expect(html).not.toMatch(/(?:<|&lt;)\/?(?:sub|details|summary)/);
  expect(html.replace(/<[^>]*>/g, "")).toMatch(/H2O|MoreInside|More\s*Inside/);
});

it("asks for nothing where there is none", async () => {
  const { html, asked } = await rendered("# A *title*\n\n| a |\n|---|\n| 1<br>2 |\n\n- `<b>` and 1 < 2\n\n<br>");
  expect(asked).toEqual([]);
  expect(html).toContain("<em>title</em>");
});
