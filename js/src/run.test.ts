import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ToolPart, UIMessageChunk } from "./protocol-types.ts";
import { RunState } from "./run.ts";

function pushed(run: RunState, chunks: UIMessageChunk[], live = true, at?: number[]): RunState {
  const from = run.cursor + 1;
  run.push({ run: run.id, from, to: run.cursor + chunks.length, chunks, ...(at ? { at } : {}) }, live);
  return run;
}

const CALL: UIMessageChunk[] = [
  { type: "start", messageId: "m1" },
  { type: "start-step" },
  { type: "tool-input-start", toolCallId: "c1", toolName: "run_code", title: "Run code" },
  { type: "tool-input-available", toolCallId: "c1", toolName: "run_code", input: { code: "1" }, title: "Run code" },
];
const toolPart = (run: RunState) =>
  run.message.parts.find((part): part is ToolPart => "toolCallId" in part) as ToolPart;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("RunState", () => {
  it("times a call from its start to its end, and not while the user was asked", () => {
    const run = pushed(new RunState("r1", "running"), CALL);
    vi.advanceTimersByTime(5_000);
    pushed(run, [{ type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" }]);
    vi.advanceTimersByTime(60_000);
    pushed(run, [{ type: "tool-approval-response", approvalId: "a1", approved: true }]);
    vi.advanceTimersByTime(700);
    pushed(run, [{ type: "tool-output-available", toolCallId: "c1", output: 1, preliminary: true }]);
    vi.advanceTimersByTime(300);
    pushed(run, [{ type: "tool-output-available", toolCallId: "c1", output: 2 }]);
    const span = run.spanOf("c1");
    expect((span?.end ?? 0) - (span?.start ?? 0)).toBe(1_000);
  });

  it("claims no times for what was replayed without them, and the log's where it says them", () => {
    expect(pushed(new RunState("r1", "running"), CALL, false).spanOf("c1")).toBeUndefined();
    const ago = Date.now() / 1000 - 8;
    const run = pushed(new RunState("r1", "running"), CALL, false, [ago, ago, ago, ago + 2]);
    expect(performance.now() - (run.spanOf("c1")?.start ?? 0)).toBeCloseTo(6_000, -1);
    expect(performance.now() - (run.span?.start ?? 0)).toBeCloseTo(8_000, -1);
  });

  it("gives a call what is said about it, and a new version of its part", () => {
    const run = pushed(new RunState("r1", "running"), CALL);
    const index = run.message.parts.indexOf(toolPart(run));
    const before = run.partVersion(index);
    pushed(run, [
      { type: "data-tool-status", id: "c1", transient: true, data: { text: "waiting for cell [12]" } },
      { type: "data-display", id: "c1", data: [{ "text/plain": "4" }] },
      { type: "data-approval", id: "c1", data: { title: "run code" } },
    ]);
    expect(run.partVersion(index)).not.toBe(before);
    expect(run.toolStatus(toolPart(run))).toBe("waiting for cell [12]");
    expect(run.display(toolPart(run))).toEqual([{ "text/plain": "4" }]);
    expect(run.approvalCard(toolPart(run))).toEqual({ title: "run code" });
    pushed(run, [{ type: "tool-output-available", toolCallId: "c1", output: 4 }]);
    expect(run.toolStatus(toolPart(run))).toBe("");
  });

  it("puts together what a call shows in several parts, the newest of each", () => {
    const run = pushed(new RunState("r1", "running"), CALL);
    const index = run.message.parts.indexOf(toolPart(run));
    const show = (id: string, ...data: unknown[]): UIMessageChunk => ({ type: "data-display", id, data });
    pushed(run, [show("c1", "a"), show("c1 1", "b"), show("c1 2", "c")]);
    expect(run.display(toolPart(run))).toEqual(["a", "b", "c"]);
    const before = run.partVersion(index);
    pushed(run, [show("c1 1", "B"), show("c1", "printed", "a")]);
    expect(run.partVersion(index)).not.toBe(before);
    expect(run.display(toolPart(run))).toEqual(["printed", "a", "B", "c"]);
    pushed(run, [show("c1"), show("c1 1"), show("c1 2", "c")]);
    expect(run.display(toolPart(run))).toEqual(["c"]);
    pushed(run, [show("c1 2")]);
    expect(run.display(toolPart(run))).toBeNull();
    expect(run.hear([show("c1 3", "aside")])).toBe(true);
    expect(run.display(toolPart(run))).toEqual(["aside"]);
  });

  it("shows what passes beside the log, of open calls only", () => {
    const run = pushed(new RunState("r1", "running"), CALL);
    const { cursor, version } = run;
    const aside: UIMessageChunk[] = [
      { type: "data-tool-status", id: "c1", transient: true, data: { text: "waiting for cell [12]" } },
      { type: "tool-output-available", toolCallId: "c1", output: "half", preliminary: true },
    ];
    expect(run.hear(aside)).toBe(true);
    expect(run.toolStatus(toolPart(run))).toBe("waiting for cell [12]");
    expect(toolPart(run)).toMatchObject({ output: "half", preliminary: true });
    expect(run.cursor).toBe(cursor);
    expect(run.version).toBeGreaterThan(version);
    pushed(run, [{ type: "tool-output-available", toolCallId: "c1", output: 4 }]);
    expect(
      run.hear([...aside, { type: "tool-output-available", toolCallId: "none", output: 1, preliminary: true }]),
    ).toBe(false);
    expect(toolPart(run)).toMatchObject({ output: 4 });
  });

  it("keeps a notice until something else happens", () => {
    const run = pushed(new RunState("r1", "running"), CALL.slice(0, 2));
    pushed(run, [{ type: "data-notice", transient: true, data: { text: "rate limited" } }]);
    expect(run.notice).toBe("rate limited");
    pushed(run, [{ type: "text-start", id: "t" }]);
    expect(run.notice).toBe("");
  });

  it.each<[string, UIMessageChunk[], string]>([
    ["completed", [{ type: "finish" }], ""],
    ["failed", [{ type: "error", errorText: "No key." }], "No key."],
    ["stopped", [{ type: "abort", reason: "by the user" }], ""],
  ])("ends %s", (status, chunks, message) => {
    const run = pushed(new RunState("r1", "running"), [...CALL, ...chunks]);
    run.setStatus("running");
    expect(run.status).toBe(status);
    expect(run.failure?.message ?? "").toBe(message);
  });

  it("tells a failure in the words that came with it", () => {
    const error = { code: "auth", message: "The key was refused.", hint: "Set another." };
    const chunks: UIMessageChunk[] = [
      { type: "message-metadata", messageMetadata: { error } },
      { type: "error", errorText: "The key was refused. Set another." },
    ];
    expect(pushed(new RunState("r1", "running"), chunks).failure).toEqual(error);
  });
});
