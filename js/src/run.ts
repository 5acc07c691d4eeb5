/** One run as a view knows it: its message so far, how far that is, and what is only known while watching. */
import {
  type DataChunk,
  isToolPart,
  type ToolPart,
  type UIMessageChunk,
  type UIMessagePart,
} from "./protocol-types.ts";
import { Reducer } from "./reducer.ts";
import { Words } from "./strings.ts";
import { type Envelope, type RunStatus, TERMINAL } from "./view.ts";

export interface Metadata {
  model?: string;
  createdAt?: string;
  usage?: {
    promptTokens?: number;
    completionTokens?: number;
    totalTokens?: number;
    cachedTokens?: number;
    reasoningTokens?: number;
  };
  cost?: number;
  steps?: number;
  durationMs?: number;
  badge?: string;
  /** Of a turn that was kept: "interrupted" where its kernel ended before it did. */
  status?: string;
  error?: Told;
  limit?: Told;
}

/** A problem in words. */
export interface Told {
  code?: string;
  message?: string;
  hint?: string;
}

/** What the card of an approval shows: see the data-approval chunk. */
export interface ApprovalCard {
  title?: string;
  code?: string;
  language?: string;
  diff?: string;
  /** The argument that the diff shows, which the user may write anew. */
  edits?: string;
  /** Of the call, to be given back with the answer. */
  digest?: string;
}

/** When something began and ended, in milliseconds of `performance.now()`. Missing where nobody watched. */
export interface Span {
  start: number;
  end?: number;
}

const TERMINAL_CHUNKS: Record<string, RunStatus> = { finish: "completed", error: "failed", abort: "stopped" };

const START_OF_SPAN = /^(reasoning-start|tool-input-available|tool-approval-response)$/;
const END_OF_SPAN = /^(reasoning-end|tool-input-error|tool-output-(available|error|denied))$/;

const isOpen = (part: ToolPart): boolean =>
  part.state === "input-available" || part.state === "approval-responded" || part.preliminary === true;

/** The call that a data part with this id belongs to. */
const callOf = (id: string): string => id.replace(/ \d+$/, "");

/** What a chunk is about: a call, or a part. */
const idOf = (chunk: UIMessageChunk): string | undefined =>
  "toolCallId" in chunk ? chunk.toolCallId : "id" in chunk && chunk.id ? callOf(chunk.id) : undefined;

export class RunState {
  readonly id: string;
  /** The last event that is in `message`. */
  cursor = 0;
  status: RunStatus;
  /** Grows with each change, so that a view need not compare. */
  version = 0;
  /** What the run is waiting for, in words: "rate limited, trying again in 3 s". */
  notice = "";
  /** Set where a chunk could not be read; what came before and after is shown all the same. */
  unreadable = "";
  /** When this page saw the run begin and end; undefined where it was under way already. */
  span: Span | undefined;
  #reducer = new Reducer();
  #spans = new Map<string, Span>();
  /** By type and call: its parts by id, in the order in which they came. */
  // biome-ignore lint/suspicious/noExplicitAny: each type has a form of its own
  #data = new Map<string, Record<string, any>>();
  /** By call: the `version` at which it was last told of. */
  #dataVersions = new Map<string, number>();

  constructor(id: string, status: RunStatus) {
    this.id = id;
    this.status = status;
  }

  get message() {
    return this.#reducer.message;
  }

  get metadata(): Metadata {
    const { metadata } = this.message;
    return typeof metadata === "object" && metadata !== null ? (metadata as Metadata) : {};
  }

  get ended(): boolean {
    return TERMINAL.has(this.status);
  }

  /** Why the run failed, in words; null while it has not. */
  get failure(): Told | null {
    if (this.status !== "failed") return null;
    return this.metadata.error ?? { message: this.#reducer.errors.at(-1) ?? Words.RunFailed };
  }

  get abortReason(): string {
    return this.#reducer.abortReason ?? "";
  }

  /** Differs whenever what the part at `index` shows has changed. */
  partVersion(index: number): string {
    const part = this.message.parts[index];
    const data = part && isToolPart(part) ? (this.#dataVersions.get(part.toolCallId) ?? 0) : 0;
    return `${this.#reducer.partVersions[index]}.${data}`;
  }

  /** Takes the next events. `live`: they happen now; otherwise their times are known only where the log says them. */
  push(envelope: Envelope, live: boolean): void {
    const now = performance.now();
    for (const [index, chunk] of envelope.chunks.entries()) {
      const at = envelope.at?.[index];
      const time = at === undefined ? (live ? now : undefined) : now - Math.max(0, Date.now() - at * 1000);
      this.#follow(chunk);
      if (time !== undefined) this.#time(chunk, time);
      try {
        this.#reducer.push(chunk);
      } catch (error) {
        this.unreadable ||= error instanceof Error ? error.message : String(error);
      }
    }
    this.cursor = envelope.to;
    this.version += 1;
  }

  /** What stands in no log, since it passes: the status and the preliminary output of a call that another process waits
   * for. False where no such call is open, as when the message came late. */
  hear(chunks: readonly UIMessageChunk[]): boolean {
    const heard = chunks.filter((chunk) => this.#hear(chunk)).length > 0;
    if (heard) this.version += 1;
    return heard;
  }

  #hear(chunk: UIMessageChunk): boolean {
    const id = idOf(chunk);
    const part = this.message.parts.find((part): part is ToolPart => isToolPart(part) && part.toolCallId === id);
    if (!part || !isOpen(part)) return false;
    if (chunk.type === "tool-output-available" && chunk.preliminary) this.#reducer.push(chunk);
    else if ("data" in chunk) this.#followData(chunk);
    else return false;
    return true;
  }

  setStatus(status: RunStatus): void {
    if (this.ended || this.status === status) return; // the stream's own end is final
    this.status = status;
    this.version += 1;
  }

  // ---- what rows ask for ------------------------------------------------------------------------------

  /** "waiting for cell [12]" and the like; only while the call is open. */
  toolStatus(part: ToolPart): string {
    return String((isOpen(part) && this.#dataOf("data-tool-status", part)[part.toolCallId]?.text) || "");
  }

  /** MIME bundles that show a call's output, in their order; null where it is shown as it is. They stand in parts: what
   * comes while the call runs gets one of its own, with the call's id and a number. */
  display(part: ToolPart): Record<string, unknown>[] | null {
    const bundles = Object.values(this.#dataOf("data-display", part)).flat();
    return bundles[0] ? bundles : null;
  }

  approvalCard(part: ToolPart): ApprovalCard {
    return this.#dataOf("data-approval", part)[part.toolCallId] ?? {};
  }

  /** Whether a call waits for what only a view can give: the answer to a question of the model. */
  awaitsView(part: ToolPart): boolean {
    return part.state === "input-available" && part.toolCallId in this.#dataOf("data-client-call", part) && !this.ended;
  }

  /** What the user is waited for, in words. */
  get need(): string {
    return this.message.parts.some((part) => isToolPart(part) && this.awaitsView(part))
      ? Words.AnswerNeeded
      : Words.ApprovalNeeded;
  }

  /** When this page saw a call run, or a reasoning part stream, by its id. */
  spanOf(id: string | undefined): Span | undefined {
    return id === undefined ? undefined : this.#spans.get(id);
  }

  // ---- chunks -----------------------------------------------------------------------------------------

  /** What a chunk says besides its part of the message. */
  #follow(chunk: UIMessageChunk): void {
    if ("data" in chunk) this.#followData(chunk);
    else if (chunk.type !== "message-metadata" && chunk.type !== "start-step") this.notice = "";
    const terminal = TERMINAL_CHUNKS[chunk.type];
    if (terminal) this.setStatus(terminal);
    else if (chunk.type === "tool-approval-request" && !chunk.isAutomatic) this.setStatus("waiting");
    else if (/^(tool-approval-response|tool-output-|start)/.test(chunk.type)) this.setStatus("running");
  }

  // biome-ignore lint/suspicious/noExplicitAny: see #data
  #dataOf(type: string, part: ToolPart): Record<string, any> {
    return this.#data.get(`${type} ${part.toolCallId}`) ?? {};
  }

  #followData({ type, id, data }: DataChunk): void {
    if (type === "data-notice") this.notice = String((data as { text?: unknown } | null)?.text ?? "");
    if (id === undefined) return;
    if (type === "data-client-call") this.setStatus("waiting");
    const call = callOf(id);
    const key = `${type} ${call}`;
    this.#data.set(key, { ...this.#data.get(key), [id]: data });
    this.#dataVersions.set(call, this.version + 1);
  }

  #time(chunk: UIMessageChunk, now: number): void {
    if (chunk.type === "start") this.span ??= { start: now };
    else if (chunk.type in TERMINAL_CHUNKS && this.span) this.span.end = now;
    const id = idOf(chunk) ?? this.#callOf(chunk);
    if (id === undefined) return;
    if (START_OF_SPAN.test(chunk.type)) this.#spans.set(id, { start: now });
    const span = this.#spans.get(id);
    if (span && END_OF_SPAN.test(chunk.type) && !("preliminary" in chunk && chunk.preliminary)) span.end = now;
  }

  /** An answer to an approval names the approval, not the call: the time that the user took is not the call's. */
  #callOf(chunk: UIMessageChunk): string | undefined {
    if (chunk.type !== "tool-approval-response") return undefined;
    const asked = (part: UIMessagePart): part is ToolPart => isToolPart(part) && part.approval?.id === chunk.approvalId;
    return this.message.parts.find(asked)?.toolCallId;
  }
}
