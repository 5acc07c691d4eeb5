/** Streams that go on from a message that was kept. */
import { answer, finish, output, say, start, step, type } from "./chunk-builders.mjs";

const waiting = {
  id: "msg-1",
  role: "assistant",
  metadata: { steps: 1 },
  parts: [
    { type: "step-start" },
    { type: "text", text: "May I?", state: "done" },
    {
      type: "tool-run_code",
      toolCallId: "call-1",
      state: "approval-requested",
      input: { code: "del df" },
      approval: { id: "ask-1", requestReason: "it deletes" },
    },
  ],
};

export const continued = {
  "approval-answered-later": {
    initial: waiting,
    chunks: [
      start(),
      answer("ask-1", true),
      output("call-1", "gone"),
      ...step(...say("t", "Done.")),
      finish("stop", { steps: 2 }),
    ],
  },
  "continued-by-another-id": { initial: waiting, chunks: [start("msg-9"), ...step(...say("t", "New.")), finish()] },
  "continued-input": {
    initial: {
      id: "msg-1",
      role: "assistant",
      parts: [
        { type: "step-start" },
        { type: "dynamic-tool", toolName: "fetch", toolCallId: "call-0", state: "input-streaming" },
        {
          type: "tool-run_code",
          toolCallId: "call-1",
          state: "input-streaming",
          input: { code: "1" },
          rawInput: '{"code": "1',
          title: "Run",
        },
        { type: "future-part", anything: [1] },
      ],
    },
    chunks: [start(), ...type("call-1", " + 1", '"}'), ...type("call-0", "{}")],
  },
  "continued-from-user": {
    initial: { id: "user-1", role: "user", parts: [{ type: "text", text: "hi" }] },
    chunks: [{ type: "start" }, ...step(...say("t", "hello")), { type: "finish" }],
  },
};
