/**
 * Chunks in, a UIMessage out, as the AI SDK's own client makes it, at a constant cost per chunk.
 *
 * The message is changed in place. A view keeps the `partVersions` that it has drawn and draws again the parts whose
 * number differs; `version` says whether anything has changed, `headVersion` whether the id or the metadata have.
 * The twin of this file is copilot_widget/protocol/reducer.py; both read tests/fixtures/streams.
 */
import { checkChunk } from "./chunk-schema.ts";
import {
  type DataChunk,
  type FinishReason,
  type Json,
  ProtocolError,
  type ReasoningDelta,
  type ReasoningEnd,
  type TextDelta,
  type TextEnd,
  type UIMessage,
  type UIMessageChunk,
} from "./protocol-types.ts";
import { State } from "./reducer-state.ts";
import * as tools from "./reducer-tools.ts";

export * from "./protocol-types.ts";

/** The message that `chunks` make of `initial`, which stays as it is. Throws a ProtocolError on a violation. */
export function reduceChunks(chunks: Iterable<UIMessageChunk>, initial?: UIMessage): UIMessage {
  const reducer = new Reducer(initial);
  let index = 0;
  for (const chunk of chunks) {
    try {
      reducer.push(chunk);
    } catch (error) {
      throw error instanceof ProtocolError ? new ProtocolError(error.reason, index) : error;
    }
    index++;
  }
  return reducer.message;
}

export class Reducer {
  private readonly state: State;

  constructor(initial?: UIMessage) {
    this.state = new State(initial);
  }

  /** The same object for the reducer's whole life. */
  get message(): UIMessage {
    return this.state.message;
  }

  /** Grows with every change. */
  get version(): number {
    return this.state.version;
  }

  /** The `version` at which the message's id or metadata last changed. */
  get headVersion(): number {
    return this.state.headVersion;
  }

  /** For each part the `version` at which it last changed. No part ever has the number of another one. */
  get partVersions(): readonly number[] {
    return this.state.partVersions;
  }

  /** From the finish chunk. */
  get finishReason(): FinishReason | undefined {
    return this.state.finishReason;
  }

  /** The texts of the error chunks so far. */
  get errors(): readonly string[] {
    return this.state.errors;
  }

  /** Whether an abort chunk came. */
  get aborted(): boolean {
    return this.state.aborted;
  }

  get abortReason(): string | undefined {
    return this.state.abortReason;
  }

  /** Apply one chunk. Throws a ProtocolError on a violation; the message is then what it was. */
  push(chunk: UIMessageChunk): void {
    checkChunk(chunk);
    if (isData(chunk)) pushData(this.state, chunk);
    else (HANDLERS[chunk.type] as (state: State, chunk: UIMessageChunk) => void)(this.state, chunk);
  }
}

const isData = (chunk: UIMessageChunk): chunk is DataChunk => chunk.type.startsWith("data-");

type Handlers = {
  [Type in Exclude<UIMessageChunk["type"], `data-${string}`>]: (
    state: State,
    chunk: Extract<UIMessageChunk, { type: Type }>,
  ) => void;
};

const HANDLERS: Handlers = {
  start(state, chunk) {
    if (chunk.messageId !== undefined && chunk.messageId !== state.message.id) state.restart(chunk.messageId);
    mergeMetadata(state, chunk.messageMetadata);
  },
  finish(state, chunk) {
    if (chunk.finishReason !== undefined) state.finishReason = chunk.finishReason;
    mergeMetadata(state, chunk.messageMetadata);
  },
  "message-metadata"(state, chunk) {
    mergeMetadata(state, chunk.messageMetadata);
  },
  "start-step"(state) {
    state.beginStep();
  },
  "finish-step"() {}, // parts are closed by their own end chunks
  "reset-step"(state) {
    state.cut(state.stepStart);
  },
  error(state, chunk) {
    state.errors.push(chunk.errorText);
  },
  abort(state, chunk) {
    state.aborted = true;
    state.abortReason = chunk.reason;
  },

  "text-start"(state, { id, providerMetadata }) {
    state.texts.set(id, state.add({ type: "text", text: "", providerMetadata, state: "streaming" }));
  },
  "text-delta": (state, chunk) => grow(state, state.texts, chunk),
  "text-end"(state, chunk) {
    const part = close(state, state.texts, chunk);
    if (chunk.citations !== undefined) part.citations = chunk.citations;
  },
  "reasoning-start"(state, { id, providerMetadata }) {
    state.reasonings.set(id, state.add({ type: "reasoning", id, text: "", providerMetadata, state: "streaming" }));
  },
  "reasoning-delta": (state, chunk) => grow(state, state.reasonings, chunk),
  "reasoning-end"(state, chunk) {
    close(state, state.reasonings, chunk);
  },

  "tool-input-start": tools.toolInputStart,
  "tool-input-delta": tools.toolInputDelta,
  "tool-input-available": tools.toolInputAvailable,
  "tool-input-error": tools.toolInputError,
  "tool-approval-request": tools.toolApprovalRequest,
  "tool-approval-response": tools.toolApprovalResponse,
  "tool-output-available": tools.toolOutputAvailable,
  "tool-output-error": tools.toolOutputError,
  "tool-output-denied": tools.toolOutputDenied,

  file(state, { url, mediaType, providerMetadata }) {
    state.add({ type: "file", mediaType, url, providerMetadata });
  },
  "reasoning-file"(state, { url, mediaType, providerMetadata }) {
    state.add({ type: "reasoning-file", mediaType, url, providerMetadata });
  },
  "source-url"(state, { type, sourceId, url, title, providerMetadata }) {
    state.add({ type, sourceId, url, title, providerMetadata });
  },
  "source-document"(state, { type, sourceId, mediaType, title, filename, providerMetadata }) {
    state.add({ type, sourceId, mediaType, title, filename, providerMetadata });
  },
  custom(state, { type, kind, providerMetadata }) {
    state.add({ type, kind, providerMetadata });
  },
  "steering-message"(state, { type, id, parts }) {
    state.add({ type, id, parts });
  },
};

function opened<Part>(open: Map<string, Part>, chunk: { type: string; id: string }): Part {
  const found = open.get(chunk.id);
  if (found === undefined) {
    const start = chunk.type.replace(/-(delta|end)$/, "-start");
    throw new ProtocolError(`id: ${chunk.type} without an open ${start} of "${chunk.id}"`);
  }
  return found;
}

type Texts = State["texts"] | State["reasonings"];

function grow(state: State, open: Texts, chunk: TextDelta | ReasoningDelta): void {
  const { part, index } = opened(open as State["texts"], chunk);
  part.text += chunk.delta;
  if (chunk.providerMetadata !== undefined) part.providerMetadata = chunk.providerMetadata;
  state.touch(index);
}

function close<Part extends { state?: "streaming" | "done" | undefined; providerMetadata?: unknown }>(
  state: State,
  open: Map<string, { part: Part; index: number }>,
  chunk: TextEnd | ReasoningEnd,
): Part {
  const { part, index } = opened(open, chunk);
  part.state = "done";
  if (chunk.providerMetadata !== undefined) part.providerMetadata = chunk.providerMetadata;
  open.delete(chunk.id);
  state.touch(index);
  return part;
}

function pushData(state: State, chunk: DataChunk): void {
  if (chunk.transient) return;
  const index = chunk.id === undefined ? undefined : state.findData(chunk.type, chunk.id);
  if (index === undefined) {
    state.add({ ...chunk });
    return;
  }
  (state.message.parts[index] as DataChunk).data = chunk.data;
  state.touch(index);
}

function mergeMetadata(state: State, metadata: Json): void {
  if (metadata == null) return;
  const { message } = state;
  message.metadata = message.metadata == null ? metadata : merge(message.metadata, metadata);
  state.touchHead();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const UNSAFE = new Set(["__proto__", "constructor", "prototype"]);

/** `base` with `news` in it: objects are merged key by key, all else is replaced. */
function merge(base: unknown, news: unknown): unknown {
  const merged: Record<string, unknown> = { ...(base as object) };
  for (const [key, value] of Object.entries(news as object)) {
    if (UNSAFE.has(key) || value === undefined) continue;
    if (typeof base !== "object") throw new ProtocolError("messageMetadata: cannot be merged into what is no object");
    const held = Object.hasOwn(merged, key) ? merged[key] : undefined;
    merged[key] = isObject(held) && isObject(value) ? merge(held, value) : value;
  }
  return merged;
}
