#!/usr/bin/env node
/**
 * Writes what both reducers are held to, by running the real `ai` client (pinned in package.json):
 *
 *   tests/fixtures/streams/NAME.json    {name, chunks, initial?, final, violation}
 *   tests/fixtures/streams/random.json  a list of such, spelt by a seeded generator
 *   tests/fixtures/partial-json.json    [[text, [value] or []], …]: what a text that is cut means
 *
 * `final` is the last message that the client reported (null where there was none), `violation` null or
 * {layer: "schema" | "reducer", chunkIndex, message}. Run it after changing streams.mjs: `node scripts/make-fixtures.mjs`.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as ai from "ai";
import { judge } from "./client.mjs";
import { load } from "./load.mjs";
import { streams } from "./streams.mjs";

const fixtures = join(import.meta.dirname, "../../tests/fixtures");
const folder = join(fixtures, "streams");

// ---- seeded input ---------------------------------------------------------------------------------------

/** Numbers below 256 that are the same every time (a linear congruential generator; its high bits are good enough). */
function* numbers(seed, count) {
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 24;
  }
}

function cutTexts() {
  const whole = [
    '{"code": "print(\\"a\\\\n\\")\\u00e9 \u00e9 🧠", "n": [1, -2.5e+10, 0.1E-2], "ok": true, "no": false, "nil": null}',
    '[[], {}, [{"a": {"b": [null, ""]}}], "x"]',
    ' "just text\\t" ',
    "-12.75e3",
    '{"":"", "a b":{"c":[[[1]]]}}',
  ];
  const odd = [
    "", " ", "{", "nope", "tru", "truex", "{,}", "[1 2", '{"a" 1', '{"a":1} tail', '[1,]', "01", "[01", "1e", "[1e+5",
    '{"a":1e+5,"b":2', '{"__proto__": 1}', '{"constructor": {"prototype": 1}}', '{"constructor": 1}', '"\\ud83d"',
    '"\\ud83d\\udc', '{"a\\"b": 1', "[NaN", "Infinity", '{"a": "\n"', '"\\x"', "[true false", "[nul]", '{"k":tru,"x":1',
    '{"a":-', "[-", '["a", fals', '\u2028"x"', "[1]]", '{"a":{"__proto__":1',
  ]; // biome-ignore format: a table
  const cut = whole.flatMap((text) => Array.from({ length: text.length }, (_, end) => text.slice(0, end + 1)));
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "\\",
    "u",
    "00e9",
    "1",
    "-",
    ".",
    "e",
    "+",
    " ",
    "true",
    "fa",
    "n",
    '"a":',
    "x",
  ];
  const random = Array.from({ length: 400 }, (_, seed) =>
    Array.from(numbers(seed + 1, 14), (number) => pieces[number % pieces.length]).join(""),
  );
  return [...new Set([...odd, ...cut, ...random])].filter((text) => text.isWellFormed());
}

// ---- writing --------------------------------------------------------------------------------------------

const write = (path, value, indent) => writeFileSync(path, `${JSON.stringify(value, null, indent)}\n`);
const writeRows = (path, rows) => writeFileSync(path, `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`);

mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) rmSync(join(folder, file));
for (const stream of streams) write(join(folder, `${stream.name}.json`), await judge(stream), 1);

const { randomStream } = await load("testing/random-stream.ts");
const random = [];
for (let seed = 1; seed <= 60; seed++) {
  random.push(await judge({ name: `random-${seed}`, chunks: randomStream(numbers(seed * 7919, 20 + seed * 4)) }));
}
for (let seed = 1; seed <= 40; seed++) {
  const initial = random[seed].final; // as after a takeover: what was open is known from the kept message only
  random.push(
    await judge({ name: `random-continued-${seed}`, initial, chunks: randomStream(numbers(seed * 104729, 120)) }),
  );
}
writeRows(join(folder, "random.json"), random);

const texts = [];
for (const text of cutTexts()) {
  const { value } = await ai.parsePartialJson(text);
  texts.push([text, value === undefined ? [] : [value]]);
}
writeRows(join(fixtures, "partial-json.json"), texts);
console.log(`${streams.length} streams, ${random.length} random ones, ${texts.length} texts`);
