import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeHtml } from "../markdown/escape.ts";
import { languageOf } from "../markdown/language.ts";
import { colour } from "./colours.ts";

const kinds = (code: string, language: string) =>
  [...colour(code, language).html.matchAll(/<span class="hljs-(\w+)">(.*?)<\/span>/gs)].map(
    ([, kind, text]) => `${kind} ${text}`,
  );

describe("colour", () => {
  it("knows Python", () => {
    const code =
      '@cache\ndef f(x: int = 0x1F) -> str:\n    """Doc."""\n    return f"{x}" if x is not None else str(x)  # end';
    expect(kinds(code, "python")).toEqual([
      "meta @cache",
      "keyword def",
      "title f",
      "built_in int",
      "number 0x1F",
      "built_in str",
      "string &quot;&quot;&quot;Doc.&quot;&quot;&quot;",
      "keyword return",
      "string f&quot;{x}&quot;",
      "keyword if",
      "keyword is",
      "keyword not",
      "literal None",
      "keyword else",
      "built_in str",
      "comment # end",
    ]);
  });

  it.each([
    [
      "json",
      '{"a": [1.5e3, null], "b": "x"}',
      ["attr &quot;a&quot;", "number 1.5e3", "literal null", "attr &quot;b&quot;", "string &quot;x&quot;"],
    ],
    ["bash", "echo $HOME # hi", ["built_in echo", "variable $HOME", "comment # hi"]],
    ["sql", "SELECT count(*) FROM t -- all", ["keyword SELECT", "title count", "keyword FROM", "comment -- all"]],
    ["r", "x <- mean(c(1L, NA))", ["keyword &lt;-", "title mean", "title c", "number 1L", "literal NA"]],
    ["javascript", "const a = `b` // c", ["keyword const", "string `b`", "comment // c"]],
    ["diff", "@@ -1 +1 @@\n-old\n+new", ["meta @@ -1 +1 @@", "deletion -old", "addition +new"]],
  ])("knows %s", (language, code, expected) => {
    expect(kinds(code, language)).toEqual(expected);
  });

  it("changes no character, and escapes them all", () => {
    const code = fc.string({
      unit: fc.constantFrom("a", '"', "'", "#", "\n", "<", "&", "`", "1", " ", "\\", "def ", '"""', "/*"),
    });
    const language = fc.constantFrom("python", "json", "bash", "sql", "r", "javascript", "diff", "unknown");
    fc.assert(
      fc.property(code, language, (text, name) => {
        const { html } = colour(text, name);
        expect(html.replace(/<\/?span[^>]*>/g, "")).toBe(escapeHtml(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it("colours a stream line by line as it colours the whole", () => {
    const code = 'def f():\n    """A\n    docstring."""\n    return {"a": 1}  # x\n\nprint(f())\n';
    let drawn = "";
    let at = 0;
    for (let end = 1; end <= code.length; end++) {
      const { stable, stableHtml } = colour(code.slice(at, end), "python");
      drawn += stableHtml;
      at += stable;
    }
    expect(drawn + colour(code.slice(at), "python").html).toBe(colour(code, "python").html);
  });
});

it("reads a fence's language", () => {
  expect(["py", "Python3 title=x", "{r}", "c++", ""].map(languageOf)).toEqual(["python", "python", "", "c++", ""]);
});
