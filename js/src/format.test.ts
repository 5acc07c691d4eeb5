import { expect, it } from "vitest";
import { cost, duration, firstLine, roughDuration, tokens, usageLine } from "./format.ts";

it.each([
  [3, "3 ms"],
  [840, "0.8 s"],
  [12_340, "12.3 s"],
  [59_960, "1 min 0 s"],
  [125_000, "2 min 5 s"],
  [3_600_000 * 2 + 60_000, "2 h 1 min"],
])("duration(%d) is %s", (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

it.each([
  [10, "1 s"],
  [4_400, "4 s"],
  [61_000, "1 min 1 s"],
])("roughDuration(%d) is %s", (milliseconds, text) => expect(roughDuration(milliseconds)).toBe(text));

it.each([
  [0, "0"],
  [999, "999"],
  [1_184, "1.2k"],
  [38_016, "38k"],
  [45_210, "45.2k"],
  [999_499, "999k"],
  [999_500, "1M"],
  [1_250_000, "1.3M"],
])("tokens(%d) is %s", (count, text) => expect(tokens(count)).toBe(text));

it.each([
  [undefined, "price unknown"],
  [Number.NaN, "price unknown"],
  [0, "$0"],
  [0.081, "≈ $0.08"],
  [0.00423, "≈ $0.0042"],
  [0.0000001, "< $0.0001"],
])("cost(%s) is %s", (dollars, text) => expect(cost(dollars)).toBe(text));

it("a footer says what is known", () => {
  const usage = { promptTokens: 45_210, completionTokens: 1_184, cachedTokens: 38_016 };
  expect(usageLine({ model: "m", durationMs: 12_340, steps: 3, usage, cost: 0.081 })).toBe(
    "m · 12.3 s · 3 steps · 45.2k in (38k cached) / 1.2k out · ≈ $0.08",
  );
  expect(usageLine({ model: "m", steps: 1, usage: { promptTokens: 10, completionTokens: 5 } })).toBe(
    "m · 1 step · 10 in / 5 out · price unknown",
  );
  expect(usageLine({})).toBe("");
});

it("a row has one line", () => expect(firstLine("\n first\nsecond", 4)).toBe("fir…"));
