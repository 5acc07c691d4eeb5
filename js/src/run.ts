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
  #toolStatus = new Map<string, string>();
  #spans = new Map<string, Span>();
  #data = new Map<string, unknown>();
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
    const id = "toolCallId" in chunk ? chunk.toolCallId : "id" in chunk ? chunk.id : undefined;
    const part = this.message.parts.find((part): part is ToolPart => isToolPart(part) && part.toolCallId === id);
    if (!part || !isOpen(part)) return false;
    if (chunk.type === "tool-output-available" && chunk.preliminary) this.#reducer.push(chunk);
    else if (/^data-(tool-status|display)$/.test(chunk.type)) this.#followData(chunk as DataChunk);
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
    return isOpen(part) ? (this.#toolStatus.get(part.toolCallId) ?? "") : "";
  }

  /** MIME bundles that show a call's output, in their order; null where it is shown as it is. */
  display(part: ToolPart): Record<string, unknown>[] | null {
    const bundles = this.#data.get(`data-display ${part.toolCallId}`);
    if (Array.isArray(bundles)) return bundles;
    return bundles ? [bundles as Record<string, unknown>] : null;
  }

  approvalCard(part: ToolPart): ApprovalCard {
    return (this.#data.get(`data-approval ${part.toolCallId}`) as ApprovalCard | undefined) ?? {};
  }

  /** Whether a call waits for what only a view can give: the answer to a question of the model. */
  awaitsView(part: ToolPart): boolean {
    return part.state === "input-available" && this.#data.has(`data-client-call ${part.toolCallId}`) && !this.ended;
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

  #followData({ type, id, data }: DataChunk): void {
    const text = String((data as { text?: unknown } | null)?.text ?? "");
    if (type === "data-notice") this.notice = text;
    if (id === undefined) return;
    if (type === "data-client-call") this.setStatus("waiting");
    if (type === "data-tool-status") this.#toolStatus.set(id, text);
    else this.#data.set(`${type} ${id}`, data);
    this.#dataVersions.set(id, (this.#dataVersions.get(id) ?? 0) + 1);
  }

  #time(chunk: UIMessageChunk, now: number): void {
    if (chunk.type === "start") this.span ??= { start: now };
    else if (chunk.type in TERMINAL_CHUNKS && this.span) this.span.end = now;
    const id = "toolCallId" in chunk ? chunk.toolCallId : "id" in chunk ? chunk.id : this.#callOf(chunk);
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
