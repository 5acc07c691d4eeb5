import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHtml } from "../parts/markdown.ts";
import { repair } from "./repair.ts";

describe("repair", () => {
  it.each([
    ["an opened **bold", "an opened **bold**"],
    ["half a closer **bold*", "half a closer **bold**"],
    ["an opener only **", "an opener only "],
    ["closed **bold**", "closed **bold**"],
    ["nested **bold and *both", "nested **bold and *both***"],
    ["a space before the end **bold ", "a space before the end **bold**"],
    ["code `x = 1", "code `x = 1`"],
    ["stars in `a ** b", "stars in `a ** b`"],
    ["struck ~~out", "struck ~~out~~"],
    ["see [the guide](https://exam", "see the guide"],
    ["see [the gui", "see the gui"],
    ["see [the guide]", "see the guide"],
    ["see [**the** gui", "see **the** gui"],
    ["whole [link](https://a.b) and", "whole [link](https://a.b) and"],
    ["a picture ![of](https://a", "a picture "],
    ["multiply 2 * 3 and 5*4", "multiply 2 * 3 and 5*4"],
    ["snake_case_name", "snake_case_name"],
    ["math $x^2 + y", "math "],
    ["it costs $5 and", "it costs $5 and"],
    ["both $x$ and", "both $x$ and"],
    ["display $$\\sum", "display "],
    ["paren \\(x^2", "paren "],
    ["a tag <detai", "a tag "],
    ["1 < 2", "1 < 2"],
    ["text\n-", "text\n"],
    ["text\n--", "text\n"],
    ["##", ""],
    ["- item\n- [", "- item\n"],
    ["- item\n2.", "- item\n"],
    ["``", ""],
    ["```py", ""],
    ["| a | b", "| a | b|\n|---|---|"],
    ["| a | b |\n", "| a | b |\n|---|---|"],
    ["| a | b |\n|--", "| a | b |\n|---|---|"],
    ["| a | b |\n|---|---|\n|", "| a | b |\n|---|---|\n"],
    ["a trailing \\", "a trailing "],
  ])("%j", (source, repaired) => {
    expect(repair(source)).toBe(repaired);
  });

  it("shows no raw markup at any moment of a stream", () => {
    const text = `A **bold** and *soft* word, \`code ** here\`, [a link](https://example.org/x_y) and ~~gone~~.

- **first** item with [link](https://example.org)
- [ ] a task

| name | value |
|:-----|------:|
| \`a\` | **1** |

Inline $a^2 + b^2$ done.`;
    for (let end = 1; end <= text.length; end++) {
      const start = text.slice(0, end).lastIndexOf("\n\n") + 1; // the last block, as the stream cuts it
      const html = toHtml(repair(text.slice(start, end)));
      const shown = html.replace(/<code>.*?<\/code>/g, "").replace(/<[^>]*>/g, "");
      expect(shown, JSON.stringify(text.slice(start, end))).not.toMatch(/\*\*|\]\(|~~|\|\s*[-:]|```|\$a/);
    }
  });

  it("holds back the stroke of what may be a header, and nothing before its line", () => {
    expect(repair("complete\n\na| \n")).toBe("complete\n\na");
  });

  it("never throws, and changes nothing before the last block's last line pair", () => {
    const piece = fc.constantFrom(
      "a",
      " ",
      "\n",
      "**",
      "*",
      "_",
      "`",
      "```",
      "[",
      "](",
      ")",
      "|",
      "---",
      "$",
      "\\",
      "<b",
      "- ",
      "#",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join("");
        const stable = `complete paragraph\n\n${text}`;
        expect(repair(stable).startsWith("complete paragraph\n")).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
