/** Short ways to write chunks. */

export const start = (messageId = "msg-1", messageMetadata) => ({ type: "start", messageId, messageMetadata });
export const finish = (finishReason = "stop", messageMetadata) => ({ type: "finish", finishReason, messageMetadata });
export const step = (...chunks) => [{ type: "start-step" }, ...chunks, { type: "finish-step" }];
export const say = (id, ...deltas) => [
  { type: "text-start", id },
  ...deltas.map((delta) => ({ type: "text-delta", id, delta })),
  { type: "text-end", id },
];
export const think = (id, ...deltas) =>
  say(id, ...deltas).map((chunk) => ({ ...chunk, type: chunk.type.replace("text", "reasoning") }));
export const begin = (toolCallId, toolName = "inspect", more) => ({
  type: "tool-input-start",
  toolCallId,
  toolName,
  ...more,
});
export const type = (toolCallId, ...deltas) =>
  deltas.map((inputTextDelta) => ({ type: "tool-input-delta", toolCallId, inputTextDelta }));
export const call = (toolCallId, input, toolName = "inspect", more) => ({
  type: "tool-input-available",
  toolCallId,
  toolName,
  input,
  ...more,
});
export const output = (toolCallId, value, more) => ({
  type: "tool-output-available",
  toolCallId,
  output: value,
  ...more,
});
export const failed = (toolCallId, errorText) => ({ type: "tool-output-error", toolCallId, errorText });
export const ask = (approvalId, toolCallId, more) => ({
  type: "tool-approval-request",
  approvalId,
  toolCallId,
  ...more,
});
export const answer = (approvalId, approved, more) => ({
  type: "tool-approval-response",
  approvalId,
  approved,
  ...more,
});
export const data = (name, value, more) => ({ type: `data-${name}`, data: value, ...more });
export const metadata = (messageMetadata) => ({ type: "message-metadata", messageMetadata });
export const signed = { providerMetadata: { lab: { signature: "sig" } } };
export const resigned = { providerMetadata: { lab: { other: 1 } } };

export const run = (...chunks) => [start(), ...chunks.flat(), finish()];
export const oneStep = (...chunks) => run(step(...chunks.flat()));
