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
import { isDataPart, isToolPart, toolNameOf } from "./protocol-types.ts";

/** A part that still grows, and where it is. */
export interface Open<Part> {
  part: Part;
  index: number;
}

const dataKey = (type: string, id: string | undefined) => JSON.stringify([type, id]);

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
  /** Where the parts are that are looked for: data parts by type and id, the current step's calls by id. */
  private readonly data = new Map<string, number>();
  private readonly callsOfStep = new Map<string, Open<ToolPart>[]>();
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
    this.message.parts.forEach((part, index) => {
      this.file(part, index);
      if (index >= this.stepStart) this.reopen(part);
    });
  }

  /** Remember where a part is. */
  private file(part: UIMessagePart, index: number): void {
    if (isDataPart(part)) {
      const key = dataKey(part.type, part.id);
      if (!this.data.has(key)) this.data.set(key, index);
    } else if (isToolPart(part) && index >= this.stepStart) {
      const open = { part, index };
      const others = this.callsOfStep.get(part.toolCallId);
      if (others) others.push(open);
      else this.callsOfStep.set(part.toolCallId, [open]);
    }
  }

  /** The call's part in this step, of one kind or of any. */
  findInStep(toolCallId: string, dynamic?: boolean): Open<ToolPart> | undefined {
    const found = this.callsOfStep.get(toolCallId);
    return found?.find(({ part }) => dynamic === undefined || dynamic === (part.type === "dynamic-tool"));
  }

  /** The index of the first data part of a type and an id. */
  findData(type: string, id: string): number | undefined {
    return this.data.get(dataKey(type, id));
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
    this.file(part, index);
    return { part, index };
  }

  beginStep(): void {
    this.add({ type: "step-start" });
    this.stepStart = this.message.parts.length;
    this.callsOfStep.clear();
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
    this.callsOfStep.clear();
    for (const [key, index] of this.data) if (index >= start) this.data.delete(key);
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
