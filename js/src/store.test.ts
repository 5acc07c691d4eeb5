import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CommandError } from "./commands.ts";
import type { UIMessageChunk } from "./protocol-types.ts";
import { type Line, Store } from "./store.ts";
import type { Envelope, RunStatus, Turn } from "./view.ts";

/** The kernel's end: a log a run, and the commands as the real one answers them. */
class Kernel implements Line {
  connection: Line["connection"] = "connected";
  log: UIMessageChunk[] = [];
  status: RunStatus = "running";
  asked: { command: string; args: Record<string, unknown> }[] = [];
  view: unknown = {};
  /** Commands that wait for `release`. */
  slow = new Set<string>();
  refuse: CommandError | null = null;
  /** Runs of one answer to `resume`. */
  atOnce = 100;
  /** A run that no view here shows any more. */
  unknown = "";
  #waiting: (() => void)[] = [];
  #listeners: ((connection: Line["connection"]) => void)[] = [];

  async send(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    this.asked.push({ command, args });
    if (this.slow.has(command)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.refuse) throw this.refuse;
    if (command === "hello") return this.view;
    if (command === "resume") {
      const cursors = (args.runs as { run: string; after: number }[]).slice(0, this.atOnce);
      return { runs: Object.fromEntries(cursors.map(({ run, after }) => [run, this.#came(run, after)])) };
    }
    if (command === "send") return { turn: turn("r2", "queued") };
    return { status: this.status };
  }

  #came(run: string, after: number): unknown {
    if (run === this.unknown) return null;
    const envelopes = after < this.log.length ? [{ ...this.envelope(after + 1, this.log.length), run }] : [];
    return { envelopes, status: this.status };
  }

  listen(listener: (connection: Line["connection"]) => void): void {
    this.#listeners.push(listener);
  }

  release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  set(connection: Line["connection"]): void {
    this.connection = connection;
    for (const listener of this.#listeners) listener(connection);
  }

  envelope(from: number, to: number): Envelope {
    return { run: "r1", from, to, chunks: this.log.slice(from - 1, to) };
  }

  /** What was asked for in each `resume`. */
  cursors(): { run: string; after: number }[][] {
    return this.asked.flatMap(({ command, args }) => (command === "resume" ? [args.runs as never] : []));
  }

  resumes(): number[] {
    return this.cursors().flatMap((runs) => runs.map(({ after }) => after));
  }
}

function turn(run: string, status: RunStatus = "running", seq = 0): Turn {
  return { id: run, run, user: { id: `u-${run}`, role: "user", parts: [{ type: "text", text: "hi" }] }, status, seq };
}

const WORDS = Array.from({ length: 30 }, (_, index) => `${index} `);
const CHUNKS: UIMessageChunk[] = [
  { type: "start", messageId: "m1", messageMetadata: { model: "test" } },
  { type: "start-step" },
  { type: "text-start", id: "t1" },
  ...WORDS.map((delta) => ({ type: "text-delta" as const, id: "t1", delta })),
  { type: "text-end", id: "t1" },
  { type: "finish-step" },
  { type: "finish", finishReason: "stop", messageMetadata: { steps: 1 } },
];

function setUp(turns = [turn("r1")]) {
  const kernel = new Kernel();
  kernel.log = [...CHUNKS];
  const lifetime = new AbortController();
  const store = new Store({ kind: "turn", widget: "w", turns }, kernel, lifetime.signal);
  return { kernel, store, lifetime, run: () => store.run(turn("r1")) };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const textOf = (store: Store) => {
  const part = store.run(turn("r1"))?.message.parts.find(({ type }) => type === "text");
  return part && "text" in part ? part.text : "";
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a run's events", () => {
  it("are taken in order, and need no replay", async () => {
    const { kernel, store, run } = setUp([]);
    store.receive(kernel.envelope(1, 10));
    store.receive(kernel.envelope(11, CHUNKS.length));
    await settle();
    expect(textOf(store)).toBe(WORDS.join(""));
    expect(run()?.status).toBe("completed");
    expect(kernel.resumes()).toEqual([]);
  });

  it("are asked for after a gap, and what comes meanwhile is neither lost nor doubled", async () => {
    const { kernel, store } = setUp([]);
    kernel.slow.add("resume");
    kernel.log = CHUNKS.slice(0, 14);
    store.receive(kernel.envelope(1, 5));
    store.receive(kernel.envelope(9, 12)); // 6 to 8 are lost
    await settle();
    expect(kernel.resumes()).toEqual([5]);
    kernel.log = CHUNKS.slice(0, 20);
    store.receive(kernel.envelope(13, 16));
    store.receive(kernel.envelope(17, 20));
    kernel.release();
    await settle();
    expect(textOf(store)).toBe(WORDS.slice(0, 17).join(""));
    expect(kernel.resumes()).toEqual([5]);
  });

  it("that overlap what is here already are replayed, because merged deltas cannot be cut", async () => {
    const { kernel, store } = setUp([]);
    store.receive(kernel.envelope(1, 10));
    store.receive(kernel.envelope(8, 12));
    await settle();
    expect(kernel.resumes()).toEqual([10]);
    expect(textOf(store)).toBe(WORDS.join(""));
  });

  it("that come again are dropped", async () => {
    const { kernel, store } = setUp([]);
    store.receive(kernel.envelope(1, 10));
    store.receive(kernel.envelope(1, 10));
    store.receive(kernel.envelope(4, 6));
    await settle();
    expect(kernel.resumes()).toEqual([]);
    expect(textOf(store)).toBe(WORDS.slice(0, 7).join(""));
  });

  it("are complete and single whatever is lost, doubled or swapped on the way", async () => {
    const events = fc.tuple(fc.nat(CHUNKS.length - 1), fc.nat(8));
    await fc.assert(
      fc.asyncProperty(fc.array(events, { maxLength: 25 }), async (deliveries) => {
        const { kernel, store, run } = setUp([]);
        for (const [start, extra] of deliveries) {
          store.receive(kernel.envelope(start + 1, Math.min(start + 1 + extra, CHUNKS.length)));
          if (extra % 3 === 0) await settle();
        }
        store.receive(kernel.envelope(CHUNKS.length, CHUNKS.length));
        await vi.advanceTimersByTimeAsync(5_000);
        expect(textOf(store)).toBe(WORDS.join(""));
        expect(run()?.cursor).toBe(CHUNKS.length);
      }),
      { numRuns: 300 },
    );
  });

  it("are asked for again, with pauses, while the kernel has not logged them yet", async () => {
    const { kernel, store } = setUp([]);
    kernel.log = CHUNKS.slice(0, 5);
    const ahead = { run: "r1", from: 8, to: 9, chunks: CHUNKS.slice(7, 9) };
    store.receive(kernel.envelope(1, 5));
    store.receive(ahead);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(kernel.resumes().length).toBe(3);
    kernel.log = [...CHUNKS];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(textOf(store)).toBe(WORDS.join(""));
  });

  it("end the run once, whatever a later statement says", async () => {
    const { kernel, store } = setUp([]);
    store.receive(kernel.envelope(1, CHUNKS.length));
    store.receive({ type: "turn", turn: turn("r1", "running", CHUNKS.length) });
    expect(store.status(turn("r1"))).toBe("completed");
  });

  it("that cannot be read leave the rest readable", async () => {
    const { store, run } = setUp([]);
    const chunks = [...CHUNKS.slice(0, 4), { type: "brand-new" } as unknown as UIMessageChunk, ...CHUNKS.slice(4)];
    store.receive({ run: "r1", from: 1, to: chunks.length, chunks });
    expect(textOf(store)).toBe(WORDS.join(""));
    expect(run()?.unreadable).toContain("brand-new");
  });
});

describe("a view", () => {
  it("fetches at its start what its turns had before it was there", async () => {
    const { kernel, store, run } = setUp([turn("r1", "completed", CHUNKS.length)]);
    expect(store.status(turn("r1"))).not.toBe("completed"); // not before its text is there
    store.start();
    await settle();
    expect(kernel.resumes()).toEqual([0]);
    expect(textOf(store)).toBe(WORDS.join(""));
    expect(run()?.ended).toBe(true);
  });

  it("asks for all that it lacks in one go, the newest turn first, until everything is here", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const { kernel, store } = setUp(names.map((name) => turn(name, "completed", CHUNKS.length)));
    kernel.atOnce = 2;
    kernel.status = "completed";
    store.start();
    await settle();
    expect(kernel.cursors().map((runs) => runs.map(({ run }) => run))).toEqual([
      ["e", "d", "c", "b", "a"],
      ["c", "b", "a"],
      ["a"],
    ]);
    expect(names.map((name) => store.run(turn(name))?.cursor)).toEqual(names.map(() => CHUNKS.length));
    expect(names.every((name) => store.run(turn(name))?.ended)).toBe(true);
  });

  it("asks no more for a run of which the kernel knows nothing, and gets the others", async () => {
    const { kernel, store } = setUp(["a", "b"].map((name) => turn(name, "completed", CHUNKS.length)));
    kernel.unknown = "b";
    store.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(kernel.cursors().length).toBe(1);
    expect(store.run(turn("a"))?.cursor).toBe(CHUNKS.length);
    expect(store.run(turn("b"))?.cursor).toBe(0);
  });

  it("learns of turns that began while no page was open", async () => {
    const { kernel, store } = setUp([]);
    kernel.view = { turns: [turn("r1", "completed", CHUNKS.length)], draft: null };
    store.start();
    await settle();
    expect(store.view.turns.map(({ id }) => id)).toEqual(["r1"]);
    expect(textOf(store)).toBe(WORDS.join(""));
  });

  it("takes up every open run again after a reconnect", async () => {
    const { kernel, store } = setUp();
    kernel.log = CHUNKS.slice(0, 6);
    kernel.view = { turns: [turn("r1", "running", 6)] };
    store.start();
    await settle();
    kernel.log = [...CHUNKS];
    kernel.view = { turns: [turn("r1", "completed", CHUNKS.length)] };
    kernel.set("reconnecting");
    kernel.set("connected");
    await settle();
    expect(kernel.resumes()).toEqual([0, 6]);
    expect(textOf(store)).toBe(WORDS.join(""));
  });

  it("fetches a turn that has ended before it is stated: nothing else tells of its events", async () => {
    const { kernel, store, run } = setUp([]);
    store.start();
    await settle();
    kernel.log = [...CHUNKS];
    kernel.status = "completed";
    store.receive({ type: "turn", turn: turn("r1", "completed", CHUNKS.length) });
    await settle();
    expect(kernel.resumes()).toEqual([0]);
    expect(textOf(store)).toBe(WORDS.join(""));
    expect(run()?.ended).toBe(true);
  });

  it("asks for no replay of what it has, and holds nothing back until the kernel has answered", async () => {
    const { kernel, store, run } = setUp();
    kernel.view = { turns: [turn("r1", "running", 5)] };
    kernel.slow.add("hello");
    store.receive(kernel.envelope(1, 4));
    store.start();
    store.receive(kernel.envelope(5, 5));
    expect(run()?.cursor).toBe(5);
    kernel.release();
    await settle();
    store.receive(kernel.envelope(6, CHUNKS.length));
    expect(kernel.resumes()).toEqual([]);
    expect(textOf(store)).toBe(WORDS.join(""));
  });

  it("keeps events whose turn is stated later", async () => {
    const { kernel, store } = setUp([]);
    store.receive(kernel.envelope(1, 8));
    store.receive({ type: "turn", turn: turn("r1", "running", 8) });
    expect(store.active?.id).toBe("r1");
    expect(textOf(store)).toBe(WORDS.slice(0, 5).join(""));
  });

  it("merges what the kernel states of it", () => {
    const { store } = setUp();
    store.receive({ type: "view", view: { notice: "hello", draft: "ask me" } });
    store.receive({ type: "view", view: { notice: null } });
    store.receive({ type: "view", view: { unknown: 1 } });
    store.receive(null);
    store.receive("text");
    expect(store.view).toMatchObject({ notice: null, draft: "ask me", kind: "turn" });
    expect(store.view.turns.length).toBe(1);
  });

  it("shows the kernel's refusal in words", async () => {
    const { kernel, store } = setUp();
    kernel.refuse = new CommandError(
      "unknown-widget",
      "This copilot is no longer in the kernel.",
      "Run its cell again.",
    );
    store.start();
    await settle();
    expect(store.view.notice).toBe("This copilot is no longer in the kernel. Run its cell again.");
  });
});

describe("the user", () => {
  it("sends: the message shows at once, then its turn does", async () => {
    const { kernel, store } = setUp([]);
    kernel.slow.add("send");
    void store.send("what now?");
    expect(store.sending.map(({ text }) => text)).toEqual(["what now?"]);
    kernel.release();
    await settle();
    expect(store.sending).toEqual([]);
    expect(store.view.turns.map(({ id }) => id)).toEqual(["r2"]);
  });

  it("shows a message once, also when its turn is stated before the command is answered", async () => {
    const { kernel, store } = setUp([]);
    kernel.slow.add("send");
    void store.send("hi");
    store.receive({ type: "turn", turn: turn("r2", "queued") });
    expect(store.sending).toEqual([]);
    kernel.release();
    await settle();
    expect(store.view.turns.map(({ id }) => id)).toEqual(["r2"]);
  });

  it("keeps a message that was refused, with the reason", async () => {
    const { kernel, store } = setUp([]);
    kernel.refuse = new CommandError("budget", "The budget is used up.");
    await store.send("what now?");
    expect(store.sending[0]).toMatchObject({ text: "what now?", error: { message: "The budget is used up." } });
    store.dismiss(store.sending[0] as (typeof store.sending)[0]);
    expect(store.sending).toEqual([]);
  });

  it("stops: told after 400 ms without an answer that the cell has to end first", async () => {
    const { kernel, store } = setUp();
    kernel.slow.add("stop");
    void store.stop();
    void store.stop(); // a second press changes nothing
    await vi.advanceTimersByTimeAsync(399);
    expect(store.stopping).toBe("sent");
    await vi.advanceTimersByTimeAsync(1);
    expect(store.stopping).toBe("late");
    kernel.release();
    await settle();
    expect(store.stopping).toBe("idle");
    expect(kernel.asked.filter(({ command }) => command === "stop")).toEqual([
      { command: "stop", args: { run: "r1" } },
    ]);
  });

  it("answers an approval once; the card waits for the stream", async () => {
    const { kernel, store } = setUp([]);
    kernel.log = [
      { type: "start", messageId: "m1" },
      { type: "start-step" },
      { type: "tool-input-available", toolCallId: "c1", toolName: "run_code", input: { code: "1" } },
      { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
      { type: "finish-step" },
      { type: "tool-approval-response", approvalId: "a1", approved: true },
    ];
    store.receive(kernel.envelope(1, 5));
    expect(store.status(turn("r1"))).toBe("waiting");
    await store.approve("r1", "a1", true);
    expect(store.answering.get("a1")).toBe("");
    store.receive(kernel.envelope(6, 6));
    expect(store.answering.size).toBe(0);
    expect(store.status(turn("r1"))).toBe("running");
    expect(kernel.asked.at(-1)).toEqual({
      command: "approve",
      args: { run: "r1", approvalId: "a1", approved: true, scope: "once" },
    });
  });

  it("is told why an approval was not taken, and may try again", async () => {
    const { kernel, store } = setUp([]);
    kernel.refuse = new CommandError("internal", "Internal error.");
    await store.approve("r1", "a1", true);
    expect(store.answering.get("a1")).toBe("Internal error.");
  });
});
