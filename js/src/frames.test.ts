// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { frames } from "./frames.ts";

describe("frames", () => {
  let clock = 0;
  let draws = 0;
  let changed: (urgent: boolean) => void = () => {};
  const source = {
    subscribe(listener: (urgent: boolean) => void) {
      changed = listener;
      return () => {};
    },
  };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame"] });
    vi.spyOn(performance, "now").mockImplementation(() => clock);
    draws = 0;
    frames(source, () => {
      draws += 1;
      clock += 200; // a dear one
    });
    changed(false);
    vi.advanceTimersByTime(20);
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("draws seldom where drawing is dear", () => {
    expect(draws).toBe(2); // at once, and after the first change
    changed(false);
    vi.advanceTimersByTime(400);
    expect(draws).toBe(2);
    vi.advanceTimersByTime(200);
    expect(draws).toBe(3);
  });

  it("does not let the user wait for it", () => {
    changed(false);
    changed(true);
    vi.advanceTimersByTime(20);
    expect(draws).toBe(3);
    vi.advanceTimersByTime(1_000);
    expect(draws).toBe(3);
  });
});
