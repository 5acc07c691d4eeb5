import { parsePartialJson } from "./partial-json.ts";
import {
  type InputEncoding,
  isToolPart,
  type Json,
  ProtocolError,
  type ProviderMetadata,
  type ToolApproval,
  type ToolApprovalRequest,
  type ToolApprovalResponse,
  type ToolInputAvailable,
  type ToolInputDelta,
  type ToolInputError,
  type ToolInputStart,
  type ToolOutputAvailable,
  type ToolOutputDenied,
  type ToolOutputError,
  type ToolPart,
  type ToolState,
  toolNameOf,
} from "./protocol-types.ts";
import type { Open, PartialCall, State } from "./reducer-state.ts";

/** What a tool part becomes. Fields that are not given are emptied, but for the last four, which then stay. */
interface Update {
  toolName: string;
  state: ToolState;
  input?: Json;
  rawInput?: Json;
  inputEncoding?: InputEncoding | undefined;
  output?: Json;
  errorText?: string | undefined;
  preliminary?: boolean | undefined;
  title?: string | undefined;
  toolMetadata?: Record<string, Json> | undefined;
  providerExecuted?: boolean | undefined;
  providerMetadata?: ProviderMetadata | undefined;
}

// ---- finding a call's part ------------------------------------------------------------------------------

/** The call's part in this step, or else its last one in the whole message. */
function findCall(state: State, toolCallId: string): Open<ToolPart> {
  const here = state.findInStep(toolCallId);
  if (here) return here;
  const { parts } = state.message;
  for (let index = state.stepStart - 1; index >= 0; index--) {
    const part = parts[index];
    if (part !== undefined && isToolPart(part) && part.toolCallId === toolCallId) return { part, index };
  }
  throw new ProtocolError(`toolCallId: no tool call "${toolCallId}" is known`);
}

function findApproval(state: State, approvalId: string): Open<ToolPart> {
  const { parts } = state.message;
  const index = parts.findIndex((part) => isToolPart(part) && part.approval?.id === approvalId);
  const part = parts[index];
  if (part === undefined || !isToolPart(part)) {
    throw new ProtocolError(`approvalId: no approval "${approvalId}" was asked for`);
  }
  return { part, index };
}

// ---- changing it ----------------------------------------------------------------------------------------

const isResult = (state: ToolState) => state === "output-available" || state === "output-error";

function applyUpdate(part: ToolPart, update: Update): void {
  if (part.type === "dynamic-tool") part.toolName = update.toolName;
  else part.type = `tool-${update.toolName}`;
  part.state = update.state;
  part.input = update.input;
  part.rawInput = update.rawInput;
  part.inputEncoding = update.inputEncoding;
  part.output = update.output;
  part.errorText = update.errorText;
  part.preliminary = update.preliminary;
  if (update.title !== undefined) part.title = update.title;
  if (update.toolMetadata !== undefined) part.toolMetadata = update.toolMetadata;
  if (update.providerExecuted !== undefined) part.providerExecuted = update.providerExecuted;
  if (update.providerMetadata === undefined) return;
  if (isResult(update.state)) part.resultProviderMetadata = update.providerMetadata;
  else part.callProviderMetadata = update.providerMetadata;
}

/** Update the call's part of this step and kind; where there is none, begin one. */
function upsert(state: State, toolCallId: string, dynamic: boolean, update: Update): Open<ToolPart> {
  const found = state.findInStep(toolCallId, dynamic);
  if (found) {
    applyUpdate(found.part, update);
    state.touch(found.index);
    return found;
  }
  const part: ToolPart = dynamic
    ? { type: "dynamic-tool", toolName: update.toolName, toolCallId, state: update.state }
    : { type: `tool-${update.toolName}`, toolCallId, state: update.state };
  applyUpdate(part, update);
  if (dynamic) part.rawInput = undefined; // the client's new dynamic part has none before its next delta
  return state.add(part);
}

/**
 * Let `part.input` follow the text of `call`: it is parsed when somebody reads it, once for each length, and not at
 * every delta, which would cost the square of the input's length.
 */
function followInput(part: ToolPart, call: PartialCall): void {
  let length = -1;
  let value: Json;
  Object.defineProperty(part, "input", {
    configurable: true,
    enumerable: true,
    get() {
      if (length !== call.text.length) {
        length = call.text.length;
        value = call.encoding === "text" ? call.text : parsePartialJson(call.text);
      }
      return value;
    },
    set(fixed: Json) {
      Object.defineProperty(part, "input", { configurable: true, enumerable: true, writable: true, value: fixed });
    },
  });
}

// ---- the chunks -----------------------------------------------------------------------------------------

export function toolInputStart(state: State, chunk: ToolInputStart): void {
  const { toolCallId, toolName, inputEncoding, title, toolMetadata, providerExecuted, providerMetadata } = chunk;
  const dynamic = chunk.dynamic === true;
  const call = { text: "", toolName, dynamic, encoding: inputEncoding, title, toolMetadata, open: undefined };
  state.calls.set(toolCallId, call);
  const update = { toolName, inputEncoding, title, toolMetadata, providerExecuted, providerMetadata };
  upsert(state, toolCallId, dynamic, { ...update, state: "input-streaming" });
}

export function toolInputDelta(state: State, chunk: ToolInputDelta): void {
  const call = state.calls.get(chunk.toolCallId);
  if (call === undefined) {
    throw new ProtocolError(`toolCallId: tool-input-delta without a tool-input-start of "${chunk.toolCallId}"`);
  }
  if (call.open && call.open.index < state.stepStart) {
    const { part } = call.open;
    const shown = part.input;
    part.input = shown; // it keeps what it shows; the deltas go on in this step's part
    call.open = undefined;
  }
  call.text += chunk.inputTextDelta;
  if (call.open && call.open.part.state === "input-streaming") {
    call.open.part.rawInput = call.text;
    state.touch(call.open.index);
    return;
  }
  call.open = upsert(state, chunk.toolCallId, call.dynamic, {
    toolName: call.toolName,
    state: "input-streaming",
    rawInput: call.text,
    inputEncoding: call.encoding,
    title: call.title,
    toolMetadata: call.toolMetadata,
  });
  followInput(call.open.part, call);
}

export function toolInputAvailable(state: State, chunk: ToolInputAvailable): void {
  const { toolCallId, toolName, input, title, toolMetadata, providerExecuted, providerMetadata } = chunk;
  const update = { toolName, input, title, toolMetadata, providerExecuted, providerMetadata };
  upsert(state, toolCallId, chunk.dynamic === true, { ...update, state: "input-available" });
}

export function toolInputError(state: State, chunk: ToolInputError): void {
  const { toolCallId, toolName, input, errorText, toolMetadata, providerExecuted, providerMetadata } = chunk;
  const begun = state.findInStep(toolCallId);
  const dynamic = begun ? begun.part.type === "dynamic-tool" : chunk.dynamic === true;
  const update = { toolName, input, errorText, toolMetadata, providerExecuted, providerMetadata };
  upsert(state, toolCallId, dynamic, { ...update, state: "output-error" });
}

export function toolOutputAvailable(state: State, chunk: ToolOutputAvailable): void {
  const { output, preliminary, toolMetadata, providerExecuted, providerMetadata } = chunk;
  const { part, index } = findCall(state, chunk.toolCallId);
  applyUpdate(part, {
    toolName: toolNameOf(part),
    state: "output-available",
    input: part.input,
    output,
    preliminary,
    toolMetadata,
    providerExecuted,
    providerMetadata,
  });
  state.touch(index);
}

export function toolOutputError(state: State, chunk: ToolOutputError): void {
  const { errorText, toolMetadata, providerExecuted, providerMetadata } = chunk;
  const { part, index } = findCall(state, chunk.toolCallId);
  applyUpdate(part, {
    toolName: toolNameOf(part),
    state: "output-error",
    input: part.input,
    rawInput: part.type === "dynamic-tool" ? undefined : part.rawInput,
    errorText,
    toolMetadata,
    providerExecuted,
    providerMetadata,
  });
  state.touch(index);
}

export function toolOutputDenied(state: State, chunk: ToolOutputDenied): void {
  const { part, index } = findCall(state, chunk.toolCallId);
  part.state = "output-denied";
  state.touch(index);
}

export function toolApprovalRequest(state: State, chunk: ToolApprovalRequest): void {
  const { part, index } = findCall(state, chunk.toolCallId);
  const approval: ToolApproval = { id: chunk.approvalId };
  if (chunk.approvalDescriptor != null) approval.descriptor = chunk.approvalDescriptor;
  if (chunk.inputSchemaInput !== undefined) approval.inputSchemaInput = chunk.inputSchemaInput;
  if (chunk.reason !== undefined) approval.requestReason = chunk.reason;
  if (chunk.isAutomatic === true) approval.isAutomatic = true;
  if (chunk.signature !== undefined) approval.signature = chunk.signature;
  part.approval = approval;
  part.state = "approval-requested";
  state.touch(index);
}

export function toolApprovalResponse(state: State, chunk: ToolApprovalResponse): void {
  const { part, index } = findApproval(state, chunk.approvalId);
  const approval: ToolApproval = { ...part.approval, id: chunk.approvalId, approved: chunk.approved };
  if (chunk.reason !== undefined) approval.reason = chunk.reason;
  part.approval = approval;
  part.state = "approval-responded";
  if (chunk.providerExecuted !== undefined) part.providerExecuted = chunk.providerExecuted;
  if (chunk.providerMetadata !== undefined) part.callProviderMetadata = chunk.providerMetadata;
  state.touch(index);
}
