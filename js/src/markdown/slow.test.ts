/** What a model wrote is read in time that grows with its length, whatever it wrote: else one answer stops the page. */
import { expect, it } from "vitest";
import { colour } from "../parts/colours.ts";
import { toHtml } from "../parts/markdown.ts";
import { BlockStream } from "./blocks.ts";
import { withoutReferences } from "./inline.ts";
import { lex } from "./lexer.ts";
import { repair } from "./repair.ts";

/** Characters of the longer text; the shorter one has a quarter. */
const LENGTH = 16_000;
/** Times as long as a quarter of the text may take: 4 is linear, 16 the square. */
const MOST_GROWTH = 10;
/** Milliseconds of the processor in which growth cannot be told from noise. */
const QUICK = 120;
const GIVEN_UP = 10_000;

const PATTERNS = [
  ..."a1 \t\n\\*_~`[]()<>|$\"'{",
  ..."*a |_a*|**a |a*b|a_b_|_a_|x_ |***a**b*c|* |~~a |**`|**`a`|日*|日**日。**|**日。|word |a b".split("|"),
  ..."![|[a](|[a]: |[x]: y\n|[[a]|![a](b|[a][b|[[a](b), |[a](b) |[^1]|[a][".split("|"),
  ..."`a``b|`` |``\n|~~~\n|```\n|`````\n|```python\n|$a |$1^|$$|$$\n|\\(|\\[|\\[\n".split("|"),
  ..."- |- a\n  |> |> a\n|> - |1. |# |a\n=\n|- [ ] a\n| \n|a: ".split("|"),
  ...'<a |<a b=c |<a b="|<a b=\'|<a b=" c="|<!--|<div>\n|<div |&amp|http://a|www.a.|a@b.|@a'.split("|"),
  `$1${"^".repeat(3_000)} `,
  "| a | b |\n|---|---|\n| c |\n",
  "a|b\n",
  "|-",
  "| ",
  '{"a":',
  '"""',
  "r'",
  "--",
  "/*",
];

const READERS: Record<string, (source: string) => unknown> = {
  repair,
  "repair within brackets": (source) => repair(`Papers: [${source}`),
  "repair a long line": (source) => repair(`- - - x ${source} x`),
  withoutReferences: (source) => withoutReferences(`${source}][`),
  lex,
  toHtml: (source) => toHtml(`<b>${source}`),
  growing: (source) => new BlockStream().update(source, false),
  complete: (source) => new BlockStream().update(source, true),
  ...Object.fromEntries(
    ["python", "javascript", "json", "bash", "sql", "r", "diff"].map((language) => [
      `colours of ${language}`,
      (source: string) => colour(source, language),
    ]),
  ),
};

const ofLength = (pattern: string, length: number): string =>
  pattern.repeat(Math.ceil(length / pattern.length)).slice(0, length);

/** Milliseconds of the processor, so that other programs count little. */
function time(read: (source: string) => unknown, source: string): number {
  const start = process.cpuUsage();
  read(source);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

/** What is wrong, in words. A second look, since a compiler and a collector work meanwhile. */
function growsTooFast(read: (source: string) => unknown, pattern: string): string {
  let [short, long] = [0, 0];
  for (let look = 0; look < 2; look++) {
    long = time(read, ofLength(pattern, LENGTH));
    if (long < QUICK) return "";
    short = time(read, ofLength(pattern, LENGTH / 4));
    if (long < MOST_GROWTH * short && long < GIVEN_UP) return "";
  }
  return `${JSON.stringify(pattern.slice(0, 20))}: ${short.toFixed()} ms, ${long.toFixed()} ms for four times as much`;
}

it.each(Object.keys(READERS))("%s takes time as the text's length", (name) => {
  const read = READERS[name] as (source: string) => unknown;
  expect(PATTERNS.map((pattern) => growsTooFast(read, pattern)).filter(Boolean)).toEqual([]);
});

it("reads links in a bracket that is open", () => {
  const links = Array.from({ length: 200 }, (_, index) => `[Smith ${index}](https://doi.org/${index})`).join(", ");
  expect(time(repair, `Papers on this: [${links}`)).toBeLessThan(1_000);
  expect(time(withoutReferences, `Papers on this: [${links}] and [x][1]\n\n[1]: https://a`)).toBeLessThan(1_000);
});

it("notices growth: the measure itself can fail", () => {
  expect(growsTooFast((source) => source.match(/[ab]*c/g), "a")).not.toBe("");
});
