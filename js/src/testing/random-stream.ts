/**
 * Streams for property tests: valid, but as odd as the client allows.
 *
 * A stream is spelt by numbers, each of which decides one thing, so that a test's tool can search and shrink it.
 */
import type { UIMessageChunk } from "../protocol-types.ts";

const TEXTS = ["a", "Hello ", "", "né ", "🧠", '"', "\n\n", "x".repeat(300)];
const PIECES = [
  '{"code": "1',
  ' + 1"',
  ', "n": [1, -2.5e',
  "3, tr",
  'ue], "s": "\\u00e',
  '9\\n"}',
  " ",
  '{"a": nul',
  "12",
  "x",
];
const VALUES = [null, 0, "out", { a: 1, b: [true, null] }, [], { deep: { er: { x: "y" } } }];
const METADATA = [{ a: 1 }, { a: { b: 2 } }, { a: { c: [1] }, d: null }, { usage: { totalTokens: 7 } }, { a: [2] }];
const PROVIDER = [undefined, undefined, undefined, { p: { signature: "s" } }, { q: {} }];

interface Call {
  id: string;
  dynamic: boolean;
  /** The steps in which it has a part. */
  steps: number[];
}

class Writer {
  readonly chunks: UIMessageChunk[] = [];
  private readonly choices: Iterator<number>;
  done = false;
  private count = 0;
  private step = 0;
  private texts: string[] = [];
  private reasonings: string[] = [];
  private calls: Call[] = [];
  /** Calls that take deltas. */
  private streaming = new Set<string>();
  /** Approvals that can be answered, by call and step. */
  private approvals = new Map<string, string>();

  constructor(choices: Iterable<number>) {
    this.choices = choices[Symbol.iterator]();
  }

  /** A number below `limit`. */
  private choose(limit: number): number {
    const next = this.choices.next();
    if (next.done) this.done = true;
    return next.done ? 0 : next.value % limit;
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.choose(list.length)] as T;
  }

  private newId(prefix: string): string {
    return this.choose(8) === 7 ? `${prefix}0` : `${prefix}${++this.count}`; // an id may come again
  }

  /** A chunk; fields that are undefined are left out. */
  private write(chunk: { type: string; [key: string]: unknown }): void {
    this.chunks.push(JSON.parse(JSON.stringify(chunk)) as UIMessageChunk);
  }

  start(): void {
    const again = this.chunks.length > 0 && this.choose(4) === 0;
    const messageId = this.pick(["m1", "m1", undefined, again ? "m2" : "m1"]);
    const previous = this.chunks.findLast((chunk) => chunk.type === "start" && chunk.messageId !== undefined);
    const current = previous?.type === "start" ? previous.messageId : "";
    if (messageId !== undefined && messageId !== current) this.forget(0);
    this.write({ type: "start", messageId, messageMetadata: this.pick([undefined, ...METADATA]) });
  }

  private forget(from: number): void {
    this.texts = [];
    this.reasonings = [];
    this.streaming.clear();
    for (const call of this.calls) call.steps = call.steps.filter((step) => step < from);
    this.calls = this.calls.filter((call) => call.steps.length > 0);
    for (const key of this.approvals.keys()) {
      if (Number(key.split("@")[1]) >= from) this.approvals.delete(key);
    }
    if (from === 0) this.step = 0;
  }

  private readonly actions: (() => void)[] = [
    () => this.text("text", this.texts),
    () => this.text("text", this.texts),
    () => this.text("reasoning", this.reasonings),
    () => this.tool(),
    () => this.tool(),
    () => this.tool(),
    () => this.toolDelta(),
    () => this.toolDelta(),
    () => this.toolResult(),
    () => this.toolResult(),
    () => this.boundary(),
    () => this.other(),
    () => this.data(),
    () => this.write({ type: "message-metadata", messageMetadata: this.pick([...METADATA, null]) }),
    () => this.start(),
  ];

  act(): void {
    this.pick(this.actions)();
  }

  private text(kind: "text" | "reasoning", open: string[]): void {
    const action = this.choose(4);
    const providerMetadata = this.pick(PROVIDER);
    if (action === 0 || open.length === 0) {
      const id = this.newId("t");
      if (!open.includes(id)) open.push(id);
      this.write({ type: `${kind}-start`, id, providerMetadata });
      return;
    }
    const id = this.pick(open);
    if (action === 1) {
      open.splice(open.indexOf(id), 1);
      this.write({ type: `${kind}-end`, id, providerMetadata });
    } else this.write({ type: `${kind}-delta`, id, delta: this.pick(TEXTS), providerMetadata });
  }

  private tool(): void {
    const known = this.choose(2) === 0 ? this.calls.at(-1) : undefined;
    const call = known ?? { id: this.newId("c"), dynamic: this.choose(3) === 0, steps: [] };
    const before = this.calls.find((other) => other.id === call.id);
    const used = before ?? call;
    if (before === undefined) this.calls.push(call);
    if (!used.steps.includes(this.step)) used.steps.push(this.step);
    const fields = {
      toolCallId: used.id,
      toolName: this.pick(["run_code", "run-code", "look up"]),
      dynamic: used.dynamic || undefined,
      providerMetadata: this.pick(PROVIDER),
      providerExecuted: this.pick([undefined, undefined, true, false]),
      title: this.pick([undefined, undefined, "Title"]),
      toolMetadata: this.pick([undefined, undefined, { k: 1 }]),
    };
    const action = this.choose(5);
    if (action < 2) {
      this.streaming.add(used.id);
      this.write({
        type: "tool-input-start",
        ...fields,
        inputEncoding: this.pick([undefined, undefined, "json", "text"]),
      });
    } else if (action < 4) this.write({ type: "tool-input-available", ...fields, input: this.pick(VALUES) });
    else this.write({ type: "tool-input-error", ...fields, input: this.pick(VALUES), errorText: "bad input" });
  }

  private toolDelta(): void {
    const call = this.calls.findLast((each) => this.streaming.has(each.id));
    if (call === undefined) return;
    if (!call.steps.includes(this.step)) call.steps.push(this.step);
    this.write({ type: "tool-input-delta", toolCallId: call.id, inputTextDelta: this.pick(PIECES) });
  }

  private toolResult(): void {
    if (this.calls.length === 0) return;
    const call = this.pick(this.calls);
    const place = `${call.id}@${Math.max(...call.steps)}`;
    const fields = {
      toolCallId: call.id,
      providerMetadata: this.pick(PROVIDER),
      toolMetadata: this.pick([undefined, undefined, { k: 2 }]),
    };
    const action = this.choose(6);
    if (action < 2) {
      const preliminary = this.pick([undefined, undefined, true, false]);
      this.write({ type: "tool-output-available", ...fields, output: this.pick(VALUES), preliminary });
    } else if (action === 2) this.write({ type: "tool-output-error", ...fields, errorText: "failed" });
    else if (action === 3) this.write({ type: "tool-output-denied", toolCallId: call.id });
    else if (action === 4) {
      const approvalId = `a${++this.count}`;
      this.approvals.set(place, approvalId);
      const reason = this.pick([undefined, "why"]);
      const isAutomatic = this.pick([undefined, true, false]);
      this.write({ type: "tool-approval-request", approvalId, toolCallId: call.id, reason, isAutomatic });
    } else if (this.approvals.size > 0) {
      const approvalId = this.pick([...this.approvals.values()]);
      const approved = this.choose(2) === 0;
      this.write({ type: "tool-approval-response", approvalId, approved, reason: this.pick([undefined, "no"]) });
    }
  }

  private boundary(): void {
    const action = this.choose(5);
    if (action < 2) {
      this.step++;
      this.write({ type: "start-step" });
    } else if (action < 4) this.write({ type: "finish-step" });
    else {
      this.forget(this.step);
      this.write({ type: "reset-step" });
    }
  }

  private data(): void {
    const id = this.pick([undefined, "d1", "d2"]);
    const transient = this.pick([undefined, undefined, true, false]);
    this.write({ type: this.pick(["data-x", "data-display"]), id, data: this.pick(VALUES), transient });
  }

  private other(): void {
    const providerMetadata = this.pick(PROVIDER);
    this.write(
      this.pick([
        { type: "file", url: "data:,x", mediaType: "text/plain", providerMetadata },
        { type: "reasoning-file", url: "data:,x", mediaType: "text/plain", providerMetadata },
        { type: "source-url", sourceId: "s1", url: "https://example.org/", providerMetadata },
        { type: "source-document", sourceId: "s2", mediaType: "text/plain", title: "T", filename: "f.txt" },
        { type: "custom", kind: "p.thing", providerMetadata },
        { type: "steering-message", id: "u2", parts: [{ type: "text", text: "rather so" }] },
        { type: "error", errorText: "boom" },
        { type: "abort", reason: "stopped" },
        { type: "finish", finishReason: "stop", messageMetadata: { steps: 1 } },
      ]),
    );
  }
}

/** The stream that `choices` spell: the same for the same numbers, and never a violation. */
export function randomStream(choices: Iterable<number>): UIMessageChunk[] {
  const writer = new Writer(choices);
  while (!writer.done) writer.act();
  return writer.chunks;
}
