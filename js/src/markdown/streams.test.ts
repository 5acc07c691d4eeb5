// @vitest-environment jsdom
/** Recorded answers with every construct of markdown, as they look at each moment of their way here. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import * as colours from "../parts/colours.ts";
import * as html from "../parts/html.ts";
import * as markdown from "../parts/markdown.ts";
import { TextView } from "./text-view.ts";

// The parts that come on demand are here at once: what shows before they are is another test's matter.
vi.mock("./services.ts", () => ({
  withAsset: (name: string, _: unknown, use: (module: unknown) => void) => {
    if (name === "colours.js") use(colours);
    if (name === "html.js") use(html);
    if (name === "markdown.js") use(markdown);
  },
}));

const FOLDER = join(import.meta.dirname, "../../../tests/fixtures/markdown");
const STREAMS = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), "utf8")] as const);

/** Characters that may be held back until it is clear what they are. */
const PATIENCE = 130;

function view(): TextView {
  return new TextView(document.createElement("div"), { fetchAsset: () => new Promise(() => {}), insertCell: null });
}

const texts = new WeakMap<Element, string>();

/** What a reader sees, without white space and without the view's own words; TeX is drawn as one sign. */
function shown({ element }: TextView): string {
  return Array.from(element.children, (block) => {
    const known = texts.get(block);
    if (known !== undefined && block !== element.lastElementChild) return known;
    const copy = block.cloneNode(true) as HTMLElement;
    for (const own of copy.querySelectorAll(".cw-code-bar, .cw-remote, button.cw-button")) own.remove();
    for (const math of copy.querySelectorAll(".cw-math")) math.textContent = "∎";
    const text = (copy.textContent ?? "").replace(/\s/g, "");
    texts.set(block, text);
    return text;
  }).join("");
}

/** Words in brackets are shown at once; that they are no link, and get their brackets back, only what follows tells. */
const unbracketed = (text: string): string => text.replace(/[[\]]/g, "");

function finished(text: string): string {
  const whole = view();
  whole.update(text, true);
  return shown(whole);
}

/** What has never to show, outside of code, unless the finished text shows it as well. */
const SYNTAX = /\*\*|__|~~|\]\(|!\[|`|\|[-:]|\$|\\[([]|<\/?[a-z]|\[[ x]\]/gi;

function check(text: string, cuts: Iterable<number>): void {
  const final = finished(text);
  const stream = view();
  for (const cut of cuts) {
    stream.update(text.slice(0, cut), false);
    const seen = shown(stream);
    const said = `…${JSON.stringify(text.slice(Math.max(0, cut - 60), cut))}`;
    expect(difference(unbracketed(seen), unbracketed(final)), said).toBe("");
    for (const [sign] of seen.matchAll(SYNTAX)) expect(final, said).toContain(sign);
    if (cut % 40 === 0)
      expect(finished(text.slice(0, cut)).length - seen.length, `held back at ${said}`).toBeLessThan(PATIENCE);
  }
  stream.update(text, true);
  expect(shown(stream)).toBe(final);
}

function difference(seen: string, final: string): string {
  if (final.startsWith(seen)) return "";
  let at = 0;
  while (at < seen.length && seen[at] === final[at]) at += 1;
  return `shows "${seen.slice(at, at + 30)}" where the end has "${final.slice(at, at + 30)}"`;
}

function* every(length: number, size: number): Generator<number> {
  for (let cut = size; cut < length; cut += size) yield cut;
}

/** Cuts before and behind each sign of syntax: in the middle of what belongs together. */
function odd(text: string): number[] {
  const cuts = new Set<number>();
  for (const { index } of text.matchAll(/[*_`~[\]()!|\\$<>#\n-]/g)) if (index % 3) cuts.add(index).add(index + 1);
  return [...cuts].sort((a, b) => a - b);
}

describe.each(STREAMS)("%s", (_, text) => {
  it.each([1, 2, 3, 4, 5, 6, 7])(
    "shows nothing but the beginning of what it will be, %i characters a frame",
    (size) => {
      check(text, every(text.length, size));
    },
  );

  it("does so at odd boundaries, too", () => {
    check(text, odd(text));
  });
});
