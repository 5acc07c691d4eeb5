/** The AI SDK's UI message stream, version 1: its chunks, and the message that they make. */

export type Json = unknown;
export type ProviderMetadata = Record<string, Record<string, Json>>;
export type InputEncoding = "json" | "text";
export type FinishReason = "stop" | "length" | "content-filter" | "tool-calls" | "error" | "interrupted" | "other";

export interface Citation {
  source: { type: "source"; sourceType: "url" | "document"; id: string; [key: string]: Json };
  startIndex?: number | undefined;
  endIndex?: number | undefined;
  citedText?: string | undefined;
}

// ---- chunks ---------------------------------------------------------------------------------------------

interface WithMetadata {
  providerMetadata?: ProviderMetadata | undefined;
}

interface ToolCallFields extends WithMetadata {
  toolCallId: string;
  providerExecuted?: boolean | undefined;
  toolMetadata?: Record<string, Json> | undefined;
  dynamic?: boolean | undefined;
}

export interface Start {
  type: "start";
  messageId?: string | undefined;
  messageMetadata?: Json;
}
export interface Finish {
  type: "finish";
  finishReason?: FinishReason | undefined;
  messageMetadata?: Json;
}
export interface StartStep {
  type: "start-step";
}
export interface FinishStep {
  type: "finish-step";
}
/** Removes the parts of the current step: sent before a step that was cut is run again. */
export interface ResetStep {
  type: "reset-step";
}
export interface TextStart extends WithMetadata {
  type: "text-start";
  id: string;
}
export interface TextDelta extends WithMetadata {
  type: "text-delta";
  id: string;
  delta: string;
}
export interface TextEnd extends WithMetadata {
  type: "text-end";
  id: string;
  citations?: Citation[] | undefined;
}
export interface ReasoningStart extends WithMetadata {
  type: "reasoning-start";
  id: string;
}
export interface ReasoningDelta extends WithMetadata {
  type: "reasoning-delta";
  id: string;
  delta: string;
}
export interface ReasoningEnd extends WithMetadata {
  type: "reasoning-end";
  id: string;
}
export interface ToolInputStart extends ToolCallFields {
  type: "tool-input-start";
  toolName: string;
  inputEncoding?: InputEncoding | undefined;
  title?: string | undefined;
}
export interface ToolInputDelta {
  type: "tool-input-delta";
  toolCallId: string;
  inputTextDelta: string;
}
export interface ToolInputAvailable extends ToolCallFields {
  type: "tool-input-available";
  toolName: string;
  input: Json;
  title?: string | undefined;
}
export interface ToolInputError extends ToolCallFields {
  type: "tool-input-error";
  toolName: string;
  input: Json;
  errorText: string;
  title?: string | undefined;
}
export interface ToolApprovalRequest {
  type: "tool-approval-request";
  approvalId: string;
  toolCallId: string;
  approvalDescriptor?: Json;
  inputSchemaInput?: Json;
  reason?: string | undefined;
  isAutomatic?: boolean | undefined;
  signature?: string | undefined;
}
export interface ToolApprovalResponse extends WithMetadata {
  type: "tool-approval-response";
  approvalId: string;
  approved: boolean;
  reason?: string | undefined;
  providerExecuted?: boolean | undefined;
}
export interface ToolOutputAvailable extends ToolCallFields {
  type: "tool-output-available";
  output: Json;
  preliminary?: boolean | undefined;
}
export interface ToolOutputError extends ToolCallFields {
  type: "tool-output-error";
  errorText: string;
}
export interface ToolOutputDenied {
  type: "tool-output-denied";
  toolCallId: string;
}
export interface SourceUrl extends WithMetadata {
  type: "source-url";
  sourceId: string;
  url: string;
  title?: string | undefined;
}
export interface SourceDocument extends WithMetadata {
  type: "source-document";
  sourceId: string;
  mediaType: string;
  title: string;
  filename?: string | undefined;
}
export interface FileChunk extends WithMetadata {
  type: "file";
  url: string;
  mediaType: string;
}
export interface ReasoningFile extends WithMetadata {
  type: "reasoning-file";
  url: string;
  mediaType: string;
}
export interface Custom extends WithMetadata {
  type: "custom";
  kind: string;
}
export interface DataChunk {
  type: `data-${string}`;
  data: Json;
  id?: string | undefined;
  /** A transient chunk is for whoever watches the stream; it never becomes a part. */
  transient?: boolean | undefined;
}
export interface MessageMetadata {
  type: "message-metadata";
  messageMetadata: Json;
}
export interface SteeringMessage {
  type: "steering-message";
  id: string;
  parts: (TextPart | FilePart)[];
}
export interface ErrorChunk {
  type: "error";
  errorText: string;
}
export interface Abort {
  type: "abort";
  reason?: string | undefined;
}

export type UIMessageChunk =
  | Start
  | Finish
  | StartStep
  | FinishStep
  | ResetStep
  | TextStart
  | TextDelta
  | TextEnd
  | ReasoningStart
  | ReasoningDelta
  | ReasoningEnd
  | ToolInputStart
  | ToolInputDelta
  | ToolInputAvailable
  | ToolInputError
  | ToolApprovalRequest
  | ToolApprovalResponse
  | ToolOutputAvailable
  | ToolOutputError
  | ToolOutputDenied
  | SourceUrl
  | SourceDocument
  | FileChunk
  | ReasoningFile
  | Custom
  | DataChunk
  | MessageMetadata
  | SteeringMessage
  | ErrorChunk
  | Abort;

// ---- the message ----------------------------------------------------------------------------------------

export type ToolState =
  | "input-streaming"
  | "input-available"
  | "approval-requested"
  | "approval-responded"
  | "output-available"
  | "output-error"
  | "output-denied";

export interface TextPart extends WithMetadata {
  type: "text";
  text: string;
  state?: "streaming" | "done" | undefined;
  citations?: Citation[] | undefined;
}
export interface ReasoningPart extends WithMetadata {
  type: "reasoning";
  id?: string | undefined;
  text: string;
  state?: "streaming" | "done" | undefined;
}
export interface ToolApproval {
  id: string;
  approved?: boolean | undefined;
  /** Why the user answered so. */
  reason?: string | undefined;
  /** Why the user was asked. */
  requestReason?: string | undefined;
  isAutomatic?: boolean | undefined;
  descriptor?: Json;
  signature?: string | undefined;
  inputSchemaInput?: Json;
}
/** What both kinds of tool part share. While the input streams, `input` is a getter that parses when it is read. */
export interface ToolPartFields {
  toolCallId: string;
  state: ToolState;
  title?: string | undefined;
  toolMetadata?: Record<string, Json> | undefined;
  providerExecuted?: boolean | undefined;
  input?: Json;
  /** The text of the input so far. */
  rawInput?: Json;
  inputEncoding?: InputEncoding | undefined;
  output?: Json;
  /** A preliminary output is shown until the next one replaces it. */
  preliminary?: boolean | undefined;
  errorText?: string | undefined;
  approval?: ToolApproval | undefined;
  callProviderMetadata?: ProviderMetadata | undefined;
  resultProviderMetadata?: ProviderMetadata | undefined;
}
export interface StaticToolPart extends ToolPartFields {
  type: `tool-${string}`;
}
export interface DynamicToolPart extends ToolPartFields {
  type: "dynamic-tool";
  toolName: string;
}
export type ToolPart = StaticToolPart | DynamicToolPart;

export interface FilePart extends WithMetadata {
  type: "file";
  mediaType: string;
  url: string;
  filename?: string | undefined;
  providerReference?: Record<string, string> | undefined;
}
export interface ReasoningFilePart extends WithMetadata {
  type: "reasoning-file";
  mediaType: string;
  url: string;
}
export interface SourceUrlPart extends WithMetadata {
  type: "source-url";
  sourceId: string;
  url: string;
  title?: string | undefined;
}
export interface SourceDocumentPart extends WithMetadata {
  type: "source-document";
  sourceId: string;
  mediaType: string;
  title: string;
  filename?: string | undefined;
}
export interface CustomPart extends WithMetadata {
  type: "custom";
  kind: string;
}
export interface DataPart {
  type: `data-${string}`;
  data: Json;
  id?: string | undefined;
}
export interface SteeringMessagePart {
  type: "steering-message";
  id: string;
  parts: (TextPart | FilePart)[];
}
export interface StepStartPart {
  type: "step-start";
}

export type UIMessagePart =
  | TextPart
  | ReasoningPart
  | StaticToolPart
  | DynamicToolPart
  | FilePart
  | ReasoningFilePart
  | SourceUrlPart
  | SourceDocumentPart
  | CustomPart
  | DataPart
  | SteeringMessagePart
  | StepStartPart;

export type Role = "system" | "user" | "assistant";

export interface UIMessage {
  id: string;
  role: Role;
  metadata?: Json;
  parts: UIMessagePart[];
}

export const isToolPart = (part: UIMessagePart): part is ToolPart =>
  part.type === "dynamic-tool" || part.type.startsWith("tool-");

export const isDataPart = (part: UIMessagePart): part is DataPart => part.type.startsWith("data-");

export const toolNameOf = (part: ToolPart): string =>
  part.type === "dynamic-tool" ? part.toolName : part.type.slice("tool-".length);

/** A stream or a chunk breaks the rules of the wire. `index` is the chunk's place (from 0), where it is known. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
  readonly reason: string;
  readonly index: number | undefined;

  constructor(reason: string, index?: number) {
    super(index === undefined ? reason : `chunk ${index}: ${reason}`);
    this.reason = reason;
    this.index = index;
  }
}
