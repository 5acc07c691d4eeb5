import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { marked, visible } from "./visible.ts";

const HIDDEN: [string, string][] = JSON.parse(
  readFileSync(new URL("../../tests/fixtures/hidden.json", import.meta.url), "utf8"),
);

describe("what nobody sees", () => {
  it.each(HIDDEN)("is named: %j", (source, shown) => {
    expect(visible(source)).toBe(shown);
  });

  it("is named also where it is a control character, or a carriage return that ends no line", () => {
    expect(visible("a\0b\x1bc\rd\r\ne\tf\n")).toBe("a⟨U+0000⟩b⟨U+001B⟩c⟨U+000D⟩d\r\ne\tf\n");
  });

  it("is marked in html", () => {
    expect(marked('<span class="hljs-comment"># a\u202eb</span>')).toBe(
      '<span class="hljs-comment"># a<mark>⟨U+202E⟩</mark>b</span>',
    );
  });
});
