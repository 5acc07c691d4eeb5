// @vitest-environment jsdom
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawTokens } from "./draw.ts";
import { lex } from "./lexer.ts";

function drawn(source: string): HTMLElement {
  const box = document.createElement("div");
  drawTokens(lex(source), box);
  return box;
}

describe("drawTokens", () => {
  it.each([
    ["# A *b*", "<h1>A <em>b</em></h1>"],
    ["**a** ~~b~~ `c<`", "<p><strong>a</strong> <del>b</del> <code>c&lt;</code></p>"],
    ["- a\n- b", "<ul><li>a</li><li>b</li></ul>"],
    ["- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"],
    ["3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'],
    ["> q", "<blockquote><p>q</p></blockquote>"],
    ["a  \nb", "<p>a<br>b</p>"],
    ["a<br>b", "<p>a<br>b</p>"],
    ["---", "<hr>"],
    ["AT&amp;T &copy; &lt;b&gt;", "<p>AT&amp;T © &lt;b&gt;</p>"],
    ["a\\*b", "<p>a*b</p>"],
    ["    code <b>", "<pre><code>code &lt;b&gt;</code></pre>"],
    [
      "| a |  |\n|--:|--|\n| 1 | x |",
      '<table><thead><tr><th align="right">a</th><td></td></tr></thead><tbody><tr><td align="right">1</td><td>x</td></tr></tbody></table>',
    ],
    ["- [x] a", '<ul><li><span class="cw-check" role="img" aria-label="done">☑</span> a</li></ul>'],
    ["$x$ and $5", '<p><span class="cw-math" data-display="false">x</span> and $5</p>'],
    ["$$\nx\n$$", '<p><span class="cw-math" data-display="true">x</span></p>'],
  ])("%j", (source, html) => {
    expect(drawn(source).innerHTML).toBe(html);
  });

  it.each(["> ", "- ", "> - ", "1. "])("keeps the words within thousands of %j", (mark) => {
    expect(drawn(`before\n\n${mark.repeat(4_000)}words`).textContent).toMatch(/before[\s\S]*words$/);
  });

  it.each(["_a*", "[", "**a ", "<a ", "`` "])("keeps the words between thousands of %j", (mark) => {
    expect(drawn(`${mark.repeat(4_000)}words`).textContent).toContain("words");
  });

  it("draws raw html as the text it is", () => {
    const box = drawn('<img src=x onerror="alert(1)"> and\n\n<script>alert(1)</script>');
    expect(box.querySelector("img, script")).toBeNull();
    expect(box.textContent).toContain("<script>alert(1)</script>");
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "/lab/tree/a?reset",
    "//evil.example",
  ])("makes no link to %s", (url) => {
    expect(drawn(`[x](<${url}>)`).querySelector("a")?.hasAttribute("href")).toBe(false);
  });

  it("says where a link goes", () => {
    expect(drawn("[x](https://example.org/a)").innerHTML).toBe(
      '<p><a href="https://example.org/a" target="_blank" rel="noopener noreferrer" title="https://example.org/a">x</a></p>',
    );
  });

  it("loads no picture from elsewhere by itself, and none of other kinds at all", () => {
    expect(drawn("![a](https://example.org/p.png)").innerHTML).toBe(
      '<p><span class="cw-remote" data-src="https://example.org/p.png">a</span></p>',
    );
    expect(drawn("![a](data:text/html,x)").innerHTML).toBe("<p><span>a</span></p>");
    expect(drawn("![a](data:image/png;base64,AAAA)").querySelector("img")?.alt).toBe("a");
  });

  it("makes only what it knows, of any text", () => {
    const piece = fc.constantFrom(
      "<script>",
      "</script>",
      "<img src=x onerror=y>",
      "[a](",
      "javascript:",
      ")",
      "![",
      "](",
      "`",
      "&lt;",
      "&#60;",
      "<a href='",
      "'>",
      "\n\n",
      "- ",
      "| a |\n|---|\n",
      "$",
      "<style>",
      "<!--",
      "-->",
      "x",
      '"',
      "onclick=",
      "<svg/onload=z>",
    );
    const known = new Set(
      "H1 H2 P UL OL LI A IMG SPAN CODE PRE EM STRONG DEL BR HR TABLE THEAD TBODY TR TH TD BLOCKQUOTE".split(" "),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        for (const element of drawn(pieces.join("")).querySelectorAll("*")) {
          expect(known).toContain(element.tagName);
          for (const { name, value } of element.attributes) {
            expect(name).not.toMatch(/^on|^style$/);
            if (name === "href" || name === "src") expect(value).toMatch(/^(?:https?:|mailto:|data:image)/);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
