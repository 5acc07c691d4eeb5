import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHtml } from "../parts/markdown.ts";
import { type Block, BlockStream } from "./blocks.ts";

const LONG_LIST = Array.from({ length: 200 }, (_, index) => `- item ${index} with **some** words in it`).join("\n");
const LONG_PARAGRAPH = Array.from({ length: 900 }, (_, index) =>
  index % 50 ? `word${index}` : `**bold${index}**`,
).join(" ");

const TEXT = `# Title

A paragraph
of two lines.

\`\`\`python
x = 1

def f():
    return "\`\`\`"
\`\`\`

- one
- two

  \`\`\`sh
  ls
  \`\`\`

| a | b |
|---|---|
| 1 | 2 |

<details><summary>More</summary>

Inside **it**.

</details>

The end.`;

const LINKED = `[a]: https://example.org/a "A"

See [it][1], [a] and [A][].

> [b]: https://example.org/b

\`\`\`python
x[1]
\`\`\`

- Nothing
- [b] and ![c][ B ]

[1]: https://example.org/1
[2]: <https://example.org/2>

The end.`;

function whole(text: string): Block[] {
  return new BlockStream().update(text, true);
}

function streamed(text: string, cuts: number[]): Block[] {
  const stream = new BlockStream();
  for (const cut of [...cuts].sort((a, b) => a - b)) stream.update(text.slice(0, cut), false);
  return stream.update(text, true);
}

const shown = (blocks: Block[]) =>
  blocks.map((block) => (block.kind === "code" ? ["code", block.language, block.code] : block.source.trim()));

describe("BlockStream", () => {
  it("splits a text at its top level, and keeps html together that blank lines interrupt", () => {
    expect(shown(whole(TEXT))).toEqual([
      "# Title",
      "A paragraph\nof two lines.",
      ["code", "python", 'x = 1\n\ndef f():\n    return "```"'],
      "- one\n- two\n\n  ```sh\n  ls\n  ```",
      "| a | b |\n|---|---|\n| 1 | 2 |",
      "<details><summary>More</summary>\n\nInside **it**.\n\n</details>",
      "The end.",
    ]);
  });

  it("ends the same however the text arrived", () => {
    for (const text of [TEXT, LINKED, `${LONG_LIST}\n\n${LONG_PARAGRAPH}`]) {
      fc.assert(
        fc.property(fc.array(fc.nat(text.length), { maxLength: 60 }), (cuts) => {
          expect(shown(streamed(text, cuts))).toEqual(shown(whole(text)));
        }),
        { numRuns: 60 },
      );
    }
  });

  it("keeps final blocks as the same objects, so that they need not be drawn again", () => {
    const stream = new BlockStream();
    let before: Block[] = [];
    for (let end = 1; end < TEXT.length; end++) {
      const blocks = stream.update(TEXT.slice(0, end), false);
      for (const [index, block] of before.slice(0, -1).entries()) {
        if (index < blocks.length - 1) expect(blocks[index]).toBe(block);
      }
      before = blocks;
    }
    expect(before.length).toBe(7);
  });

  it("shows an open fence as code, without its half-written end", () => {
    const stream = new BlockStream();
    const texts = ["```python\n", "```python\nx = 1", "```python\nx = 1\n``", "```python\nx = 1\n```"];
    const codes = texts.map((text) => stream.update(text, false).map((block) => block.kind === "code" && block.code));
    expect(codes).toEqual([[""], ["x = 1"], ["x = 1"], ["x = 1"]]);
  });

  it.each([
    ["a list", LONG_LIST],
    ["a paragraph", LONG_PARAGRAPH],
    ["code", `\`\`\`python\n${"x = 1\n".repeat(2_000)}`],
  ])("has a short last block however long %s grows", (_, text) => {
    const stream = new BlockStream();
    let most = 0;
    for (let end = 50; end < text.length; end += 50) {
      const last = stream.update(text.slice(0, end), false).at(-1);
      if (last?.kind === "markdown") most = Math.max(most, last.source.length);
    }
    expect(most).toBeLessThan(2_500);
  });

  it("draws a split paragraph as the words it has", () => {
    const stream = new BlockStream();
    const cut = LONG_PARAGRAPH.indexOf("word700") + "word700".length;
    let blocks: Block[] = [];
    for (let end = 20; end <= cut; end += 20) blocks = stream.update(LONG_PARAGRAPH.slice(0, end), false);
    blocks = stream.update(LONG_PARAGRAPH.slice(0, cut), false);
    const text = blocks.map((block) => toHtml(block.source).replace(/<[^>]*>|\n/g, "")).join(" ");
    expect(text.split(/\s+/)).toEqual(LONG_PARAGRAPH.slice(0, cut).replaceAll("**", "").split(/\s+/));
  });

  it("gives definitions to the blocks that use them, and keeps all others", () => {
    const stream = new BlockStream();
    const before = stream.update(LINKED, false).map(({ source }) => source);
    const after = stream.update(LINKED, true);
    expect(after.map(({ source }) => toHtml(source)).join("")).toBe(toHtml(LINKED));
    const changed = after.filter(({ source }, index) => source !== before[index]);
    expect(changed.map(({ source }) => source.trim())).toEqual([
      `[1]: https://example.org/1\n[a]: https://example.org/a "A"\n\nSee [it][1], [a] and [A][].`,
      "[b]: https://example.org/b\n\n- Nothing\n- [b] and ![c][ B ]",
    ]);
  });

  it("resolves links that are defined in another block once the text is complete", () => {
    const blocks = whole("See [it][1].\n\nMore.\n\n[1]: https://example.org");
    expect(blocks.map(({ source }) => toHtml(source)).join("")).toContain('href="https://example.org"');
  });
});
