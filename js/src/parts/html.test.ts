// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sanitize } from "./html.ts";
import { toHtml } from "./markdown.ts";

function clean(html: string): string {
  const box = document.createElement("div");
  box.append(sanitize(html));
  return box.innerHTML;
}

const notShown = (names: string): string => `<p class="cw-muted">Not shown: ${names}</p>`;

const FOLDER = join(import.meta.dirname, "../../../tests/fixtures");
const ATTACKS = ["dompurify.json", "owasp.json"].flatMap(
  (name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")).payloads as string[],
);

describe("sanitize", () => {
  it.each([
    ["<script>alert(1)</script>x", "x"],
    ["<style>*{display:none}</style>x", "x"],
    ['<b onclick="alert(1)" style="position:fixed" id="cell">x</b>', "<b>x</b>"],
    ['<a href="javascript:alert(1)">x</a>', "<a>x</a>"],
    ['<a href="data:text/html,<script>alert(1)</script>">x</a>', "<a>x</a>"],
    ['<a href="/lab/tree/x?reset">x</a>', "<a>x</a>"],
    [
      '<form action="https://evil.example"><input name="key"><button>Go</button></form>',
      `Go${notShown("form, input, button")}`,
    ],
    ['<iframe src="https://evil.example"></iframe>', notShown("iframe")],
    ["<svg><script>alert(1)</script></svg>", notShown("svg")],
    ["a<!-- never closed <b>b</b>", "a&lt;!-- never closed <b>b</b>"],
    ["<svg> never closed", "&lt;svg&gt; never closed"],
    ["<plaintext>x", "&lt;plaintext&gt;x"],
    ["<!-- closed --><script>1</script>x<style>", "x&lt;style&gt;"],
    ['<math><mtext><img src=x onerror="alert(1)"></mtext></math>', notShown("math")],
    ['<img src="data:text/html,x" alt="a">', "<span>a</span>"],
    ['<img src="/api/contents">', "<span>picture</span>"],
    ['<div class="cw-approval">Allow?</div>', "<div>Allow?</div>"],
    ['<div role="group" aria-label="Approval needed: x">x</div>', '<div aria-label="Approval needed: x">x</div>'],
    [
      "<object data='x'></object><embed src='x'><base href='https://evil.example'><meta http-equiv=refresh>",
      notShown("object, embed"),
    ],
  ])("%s", (html, expected) => {
    expect(clean(html)).toBe(expected);
  });

  it.each(ATTACKS)("leaves nothing that acts of %s", (html) => {
    const box = document.createElement("div");
    box.append(sanitize(html));
    const acting = "script,style,iframe,object,embed,form,input,select,button,svg,math,template,base,link,meta";
    expect([...box.querySelectorAll(acting)].map(({ outerHTML }) => outerHTML)).toEqual([]);
    for (const { attributes } of box.querySelectorAll("*")) {
      for (const { name, value } of attributes) {
        expect(name).not.toMatch(/^on|^(?:style|id|name|srcset|srcdoc|action|formaction|xlink:href)$/i);
        if (name === "href") expect(value).toMatch(/^(?:https?:|mailto:)/i);
        if (name === "src") expect(value).toMatch(/^data:image\//i);
      }
    }
  });

  it("reads the name of a form that calls a field of its own nodeName", () => {
    const field = { get: () => document.createElement("input"), configurable: true }; // browsers do so, jsdom does not
    Object.defineProperty(HTMLFormElement.prototype, "nodeName", field);
    try {
      expect(clean("<form><input name=nodeName>123</form>after")).toBe(`after${notShown("form")}`);
    } finally {
      Reflect.deleteProperty(HTMLFormElement.prototype, "nodeName");
    }
  });

  it("says where a link goes, and gives the page that opens nothing of ours", () => {
    expect(clean('<a href="https://example.org/a">x</a>')).toBe(
      '<a href="https://example.org/a" target="_blank" rel="noopener noreferrer" title="https://example.org/a">x</a>',
    );
  });

  it("keeps pictures that are part of the text, and holds remote ones back", () => {
    expect(clean('<img src="data:image/png;base64,AAAA" alt="a">')).toBe(
      '<img src="data:image/png;base64,AAAA" alt="a">',
    );
    expect(clean('<img src="https://track.example/p.png" alt="a">')).toBe(
      '<span class="cw-remote" data-src="https://track.example/p.png">a</span>',
    );
  });

  it("leaves markdown whole: tables, tasks, code, math", () => {
    const html = clean(toHtml("| a |\n|--:|\n| 1 |\n\n- [x] done\n\n```py\n1 < 2\n```\n\n$x$"));
    expect(html).toContain('<td align="right">1</td>');
    expect(html).toContain('<span class="cw-check" role="img" aria-label="done">');
    expect(html).toContain('<code class="language-py">1 &lt; 2\n</code>');
    expect(html).toContain('<span class="cw-math" data-display="false">x</span>');
  });
});
