// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { frames } from "./frames.ts";

describe("frames", () => {
  let clock = 0;
  let draws = 0;
  let cost = 200; // a dear drawing
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
    cost = 200;
    frames(source, () => {
      draws += 1;
      clock += cost;
    });
    for (let count = 0; count < 2; count++) {
      changed(false);
      vi.advanceTimersByTime(20);
    }
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("draws seldom where drawing is dear", () => {
    expect(draws).toBe(3); // at once, and twice until that is known
    changed(false);
    vi.advanceTimersByTime(400);
    expect(draws).toBe(3);
    vi.advanceTimersByTime(200);
    expect(draws).toBe(4);
  });

  it("waits for no more than a frame after one drawing that something else has held up", () => {
    cost = 1;
    changed(true);
    vi.advanceTimersByTime(20);
    expect(draws).toBe(4);
    cost = 200;
    changed(false);
    vi.advanceTimersByTime(20);
    expect(draws).toBe(5);
    cost = 1;
    changed(false);
    vi.advanceTimersByTime(20);
    expect(draws).toBe(6);
  });

  it("does not let the user wait for it", () => {
    changed(false);
    changed(true);
    vi.advanceTimersByTime(20);
    expect(draws).toBe(4);
    vi.advanceTimersByTime(1_000);
    expect(draws).toBe(4);
  });
});
