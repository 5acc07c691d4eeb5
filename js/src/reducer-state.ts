import type {
  FinishReason,
  InputEncoding,
  Json,
  ReasoningPart,
  TextPart,
  ToolPart,
  UIMessage,
  UIMessagePart,
} from "./protocol-types.ts";
import { isToolPart, toolNameOf } from "./protocol-types.ts";

/** A part that still grows, and where it is. */
export interface Open<Part> {
  part: Part;
  index: number;
}

/** A tool call whose input streams. It outlives its part: in a new step the same call gets a part of its own. */
export interface PartialCall {
  text: string;
  toolName: string;
  dynamic: boolean;
  encoding: InputEncoding | undefined;
  title: string | undefined;
  toolMetadata: Record<string, Json> | undefined;
  /** The part that shows the text so far; undefined until its first delta. */
  open: Open<ToolPart> | undefined;
}

/** What a reduction knows: the message, which of its parts are open, and which have changed. */
export class State {
  readonly message: UIMessage;
  readonly texts = new Map<string, Open<TextPart>>();
  readonly reasonings = new Map<string, Open<ReasoningPart>>();
  readonly calls = new Map<string, PartialCall>();
  /** The index of the current step's first part. */
  stepStart = 0;
  finishReason: FinishReason | undefined;
  aborted = false;
  abortReason: string | undefined;
  readonly errors: string[] = [];
  version = 0;
  headVersion = 0;
  readonly partVersions: number[] = [];

  constructor(initial?: UIMessage) {
    this.message =
      initial?.role === "assistant"
        ? { ...initial, parts: initial.parts.map((part) => ({ ...part })) }
        : { id: initial?.id ?? "", role: "assistant", parts: [] };
    this.partVersions = this.message.parts.map(() => 0);
    this.stepStart = this.message.parts.findLastIndex((part) => part.type === "step-start") + 1;
    for (const part of this.message.parts.slice(this.stepStart)) this.reopen(part);
  }

  /** A tool input that streamed when the message was kept goes on streaming. */
  private reopen(part: UIMessagePart): void {
    if (!isToolPart(part) || part.state !== "input-streaming") return;
    this.calls.set(part.toolCallId, {
      text: typeof part.rawInput === "string" ? part.rawInput : "",
      toolName: toolNameOf(part),
      dynamic: part.type === "dynamic-tool",
      encoding: part.inputEncoding,
      title: part.title,
      toolMetadata: part.toolMetadata,
      open: undefined,
    });
  }

  add<Part extends UIMessagePart>(part: Part): Open<Part> {
    const index = this.message.parts.push(part) - 1;
    this.partVersions.push(++this.version);
    return { part, index };
  }

  touch(index: number): void {
    this.partVersions[index] = ++this.version;
  }

  touchHead(): void {
    this.headVersion = ++this.version;
  }

  /** Forget the current step, or everything. */
  cut(start: number): void {
    this.texts.clear();
    this.reasonings.clear();
    this.calls.clear();
    if (start === this.message.parts.length) return;
    this.message.parts.length = start;
    this.partVersions.length = start;
    this.version++;
  }

  /** Another message begins, in the same object. */
  restart(id: string): void {
    this.cut(0);
    this.stepStart = 0;
    this.finishReason = undefined;
    for (const key of Object.keys(this.message)) {
      if (key !== "parts" && key !== "role") delete (this.message as unknown as Record<string, unknown>)[key];
    }
    this.message.id = id;
    this.touchHead();
  }
}
