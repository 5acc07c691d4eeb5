// @vitest-environment jsdom
import { describe, expect, it, vi } from "vitest";
import * as colours from "../parts/colours.ts";
import type { Services } from "./services.ts";
import { TextView } from "./text-view.ts";

vi.mock("./services.ts", () => ({
  withAsset: (name: string, _: unknown, use: (module: unknown) => void) => {
    if (name === "colours.js") use(colours);
  },
}));

const inserted: string[] = [];
const services: Services = {
  fetchAsset: () => Promise.reject(new Error("no kernel in this test")),
  insertCell: (code) => inserted.push(code) > 0,
};

function view(): TextView {
  return new TextView(document.createElement("div"), services);
}

describe("TextView", () => {
  it("draws again only the block that grows", () => {
    const text = view();
    text.update("First paragraph.\n\nSecond", false);
    const first = text.element.children[0];
    const second = text.element.children[1];
    text.update("First paragraph.\n\nSecond paragraph", false);
    expect(text.element.children[0]).toBe(first);
    expect(text.element.children[1]).not.toBe(second);
    expect(text.element.textContent).toBe("First paragraph.Second paragraph");
  });

  it("keeps a code block while its code streams, and what a reader may have selected in it", () => {
    const text = view();
    text.update("```python\nx = 1\ny", false);
    const block = text.element.children[0];
    const line = block?.querySelector(".hljs-number");
    text.update("```python\nx = 1\ny = 2\n", false);
    text.update("```python\nx = 1\ny = 2\n```\n\nDone.", true);
    expect(text.element.children[0]).toBe(block);
    expect(block?.querySelector(".hljs-number")).toBe(line);
    expect(block?.querySelector("code")?.textContent).toBe("x = 1\ny = 2");
  });

  it("draws again only what a definition at the end of the answer makes a link of", () => {
    const text = view();
    const answer = "# Title\n\nSee [it][1].\n\nMore [of it].\n\n```python\nx = 1\n```\n";
    text.update(answer, false);
    const before = [...text.element.children];
    text.update(`${answer}\n[1]: https://example.org/1\n`, true);
    const after = [...text.element.children];
    expect(after.map((block, index) => block === before[index])).toEqual([true, false, true, true]); // the second has the link
    expect(text.element.querySelector("a")?.getAttribute("href")).toBe("https://example.org/1");
  });

  it("starts anew when the text is another one", () => {
    const text = view();
    text.update("One answer.\n\nMore of it.", false);
    text.update("Another.", false);
    expect(text.element.textContent).toBe("Another.");
  });

  it("offers Copy on every code block, Insert cell on finished Python only", () => {
    const text = view();
    const names = () =>
      [...text.element.querySelectorAll("button")]
        .filter((button) => !button.hidden)
        .map((button) => button.textContent);
    text.update("```python\nprint(1)", false);
    expect(names()).toEqual(["Copy"]);
    text.update("```python\nprint(1)\n```\n\n```bash\nls\n```", true);
    expect(names()).toEqual(["Insert cell", "Copy", "Copy"]);
    for (const button of text.element.querySelectorAll("button")) {
      if (button.textContent === "Insert cell") button.click();
    }
    expect(inserted[0]).toBe("print(1)");
  });

  it("skips no level of headings, whatever the model wrote", () => {
    const text = view();
    text.update("### Deep\n\n###### Deeper\n\n# Top\n\n## Next", true);
    expect([...text.element.querySelectorAll("[aria-level]")].map((title) => title.getAttribute("aria-level"))).toEqual(
      ["3", "4", "3", "4"],
    );
  });

  it("loads a remote picture only on a click", () => {
    const text = view();
    text.update("![chart](https://example.org/c.png)", true);
    expect(text.element.querySelector("img")).toBeNull();
    text.element.querySelector("button")?.click();
    expect(text.element.querySelector("img")?.src).toBe("https://example.org/c.png");
  });

  it("shows math as its source where the math part cannot be had", () => {
    const text = view();
    text.update("Mean $\\bar{x}$ of it.", true);
    expect(text.element.textContent).toBe("Mean \\bar{x} of it.");
  });
});
