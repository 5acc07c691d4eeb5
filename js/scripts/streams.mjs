/** The streams of tests/fixtures/streams: each shows one construct of the wire, or one way to break it. */

const start = (messageId = "msg-1", messageMetadata) => ({ type: "start", messageId, messageMetadata });
const finish = (finishReason = "stop", messageMetadata) => ({ type: "finish", finishReason, messageMetadata });
const step = (...chunks) => [{ type: "start-step" }, ...chunks, { type: "finish-step" }];
const say = (id, ...deltas) => [
  { type: "text-start", id },
  ...deltas.map((delta) => ({ type: "text-delta", id, delta })),
  { type: "text-end", id },
];
const think = (id, ...deltas) =>
  say(id, ...deltas).map((chunk) => ({ ...chunk, type: chunk.type.replace("text", "reasoning") }));
const begin = (toolCallId, toolName = "inspect", more) => ({ type: "tool-input-start", toolCallId, toolName, ...more });
const type = (toolCallId, ...deltas) =>
  deltas.map((inputTextDelta) => ({ type: "tool-input-delta", toolCallId, inputTextDelta }));
const call = (toolCallId, input, toolName = "inspect", more) => ({
  type: "tool-input-available",
  toolCallId,
  toolName,
  input,
  ...more,
});
const output = (toolCallId, value, more) => ({ type: "tool-output-available", toolCallId, output: value, ...more });
const failed = (toolCallId, errorText) => ({ type: "tool-output-error", toolCallId, errorText });
const ask = (approvalId, toolCallId, more) => ({ type: "tool-approval-request", approvalId, toolCallId, ...more });
const answer = (approvalId, approved, more) => ({ type: "tool-approval-response", approvalId, approved, ...more });
const data = (name, value, more) => ({ type: `data-${name}`, data: value, ...more });
const metadata = (messageMetadata) => ({ type: "message-metadata", messageMetadata });
const signed = { providerMetadata: { lab: { signature: "sig" } } };
const resigned = { providerMetadata: { lab: { other: 1 } } };

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
const run = (...chunks) => [start(), ...chunks.flat(), finish()];
const oneStep = (...chunks) => run(step(...chunks.flat()));

const good = {
  "whole-run": [
    start("msg-1", { model: "lab/one", createdAt: "2026-01-02T03:04:05Z" }),
    ...step(
      ...think("r1", "First ", "look."),
      ...say("t1", "Let me ", "see."),
      begin("call-1"),
      ...type("call-1", '{"name"', ': "df"}'),
      call("call-1", { name: "df" }),
      output("call-1", { rows: 1204, columns: 8 }),
      metadata({ usage: { promptTokens: 900, completionTokens: 40, totalTokens: 940 }, steps: 1 }),
    ),
    ...step(...say("t2", "1,204 rows.")),
    finish("stop", { usage: { totalTokens: 1900 }, steps: 2, durationMs: 2100 }),
  ],
  "text-parts-side-by-side": oneStep(
    { type: "text-start", id: "a" },
    { type: "text-start", id: "b" },
    { type: "text-delta", id: "b", delta: "B" },
    { type: "text-delta", id: "a", delta: "A" },
    { type: "text-end", id: "a" },
    { type: "text-delta", id: "b", delta: "B" },
    { type: "text-end", id: "b" },
  ),
  "text-id-used-again": oneStep(say("t", "one"), say("t", "two")),
  "text-started-twice": oneStep(
    { type: "text-start", id: "t" },
    { type: "text-delta", id: "t", delta: "lost" },
    say("t", "new"),
  ),
  "text-open-over-steps": run(
    { type: "start-step" },
    { type: "text-start", id: "t" },
    { type: "finish-step" },
    step({ type: "text-delta", id: "t", delta: "late" }, { type: "text-end", id: "t" }),
  ),
  "text-surrogates-cut": oneStep(say("t", "\ud83e", "\udde0 ok")),
  "text-with-metadata": oneStep(
    { type: "text-start", id: "t", ...signed },
    { type: "text-delta", id: "t", delta: "x" },
    { type: "text-end", id: "t", ...resigned },
  ),
  "text-with-empty-metadata": oneStep(
    { type: "text-start", id: "t", ...signed },
    { type: "text-end", id: "t", providerMetadata: {} },
  ),
  "text-cited": oneStep(
    { type: "text-start", id: "t" },
    {
      type: "text-end",
      id: "t",
      citations: [
        {
          source: { type: "source", sourceType: "url", id: "s", url: "https://example.org/", title: "Ex" },
          startIndex: 0,
          endIndex: 4,
        },
        {
          source: { type: "source", sourceType: "document", id: "d", mediaType: "text/plain", title: "Doc" },
          citedText: "c",
        },
      ],
    },
  ),
  "ids-of-prototypes": oneStep(
    say("__proto__", "p"),
    say("constructor", "c"),
    begin("__proto__"),
    type("__proto__", "[1"),
    output("__proto__", 1),
  ),
  "reasoning-signed-at-end": oneStep(
    { type: "reasoning-start", id: "r" },
    { type: "reasoning-delta", id: "r", delta: "hm", ...signed },
    { type: "reasoning-end", id: "r", ...resigned },
  ),
  "tool-input-grows": [
    start(),
    { type: "start-step" },
    begin("call-1"),
    ...type("call-1", '{"code": "1 +', " 1", '", "deep": {"n": [1, 2'),
  ],
  "tool-input-as-text": [
    start(),
    { type: "start-step" },
    begin("call-1", "patch", { inputEncoding: "text" }),
    ...type("call-1", "*** Begin", " {not json"),
  ],
  "tool-input-broken": [start(), { type: "start-step" }, begin("call-1"), ...type("call-1", '{"a": 1', "}}} what")],
  "tool-input-begun-only": [
    start(),
    { type: "start-step" },
    begin("call-1", "inspect", { title: "Inspect", ...signed }),
  ],
  "tool-input-null": oneStep(call("call-1", null)),
  "tool-input-refused": oneStep(begin("call-1"), type("call-1", '{"nam'), {
    type: "tool-input-error",
    toolCallId: "call-1",
    toolName: "inspect",
    input: '{"nam',
    errorText: "name: missing",
  }),
  "tool-input-refused-at-once": oneStep({
    type: "tool-input-error",
    toolCallId: "call-1",
    toolName: "nope",
    input: {},
    errorText: "no such tool",
    dynamic: true,
  }),
  "tool-input-refused-other-kind": oneStep(begin("call-1"), {
    type: "tool-input-error",
    toolCallId: "call-1",
    toolName: "inspect",
    input: {},
    errorText: "e",
    dynamic: true,
  }),
  "tool-name-mended": oneStep(
    begin("call-1", "Inspect"),
    type("call-1", '{"name":"df"}'),
    call("call-1", { name: "df" }, "inspect"),
  ),
  "tool-name-mended-dynamic": oneStep(
    begin("call-1", "Inspect", { dynamic: true }),
    call("call-1", {}, "inspect", { dynamic: true }),
  ),
  "tool-kind-changed": oneStep(begin("call-1", "inspect"), call("call-1", {}, "inspect", { dynamic: true })),
  "tool-name-with-dashes": oneStep(call("call-1", {}, "mcp-files-read"), output("call-1", "ok")),
  "tool-output-null": oneStep(call("call-1", {}), output("call-1", null)),
  "tool-outputs-preliminary": oneStep(
    call("call-1", {}),
    output("call-1", "10%", { preliminary: true }),
    output("call-1", "60%", { preliminary: true }),
    output("call-1", "all"),
  ),
  "tool-output-preliminary-last": oneStep(call("call-1", {}), output("call-1", "10%", { preliminary: true })),
  "tool-failed": oneStep(
    call("call-1", { code: "1/0" }, "run_code"),
    output("call-1", "…", { preliminary: true }),
    failed("call-1", "ZeroDivisionError: division by zero"),
  ),
  "tool-failed-while-input-grows": oneStep(
    begin("call-1"),
    type("call-1", '{"a": [1'),
    failed("call-1", "stopped by the user"),
  ),
  "tool-failed-while-dynamic-input-grows": oneStep(
    begin("call-1", "x", { dynamic: true }),
    type("call-1", '{"a": [1'),
    failed("call-1", "stopped by the user"),
  ),
  "tools-side-by-side": oneStep(
    begin("call-1"),
    begin("call-2", "run_code"),
    type("call-2", '{"code":'),
    type("call-1", '{"name":'),
    type("call-2", '"2"}'),
    call("call-2", { code: "2" }, "run_code"),
    call("call-1", { name: "x" }),
    output("call-2", 2),
    output("call-1", "x"),
  ),
  "tool-id-used-again": run(
    step(call("call-1", { a: 1 }), output("call-1", 1)),
    step(call("call-1", { a: 2 }), output("call-1", 2)),
  ),
  "tool-output-in-later-step": run(step(call("call-1", { a: 1 })), step(output("call-1", "late"))),
  "tool-delta-in-later-step": run(
    step(begin("call-1"), ...type("call-1", '{"a": 1')),
    step(...type("call-1", ', "b": 2}')),
  ),
  "tool-delta-in-later-step-dynamic": run(
    step(begin("call-1", "x", { dynamic: true }), ...type("call-1", '{"a": 1')),
    step(...type("call-1", ', "b"', ": 2}")),
  ),
  "tool-delta-after-input": oneStep(
    begin("call-1"),
    type("call-1", '{"a"'),
    call("call-1", { a: 1 }),
    type("call-1", ": 5}"),
  ),
  "tool-dynamic": oneStep(
    begin("call-1", "fetch", { dynamic: true, title: "Fetch" }),
    call("call-1", { url: "u" }, "fetch", { dynamic: true }),
    output("call-1", "body", { dynamic: true }),
  ),
  "tool-of-provider": oneStep(
    begin("call-1", "web_search", { providerExecuted: true, ...signed }),
    call("call-1", { q: "x" }, "web_search", { providerExecuted: true, ...resigned }),
    output("call-1", [], { providerExecuted: true, ...signed }),
  ),
  "tool-described": oneStep(
    begin("call-1", "inspect", { title: "Inspect", toolMetadata: { icon: "eye" } }),
    call("call-1", {}),
    output("call-1", 1, { toolMetadata: { icon: "done" } }),
  ),
  "approval-given": run(
    step(call("call-1", { code: "del df" }, "run_code"), ask("ask-1", "call-1", { reason: "it deletes" })),
    answer("ask-1", true),
    output("call-1", "done"),
  ),
  "approval-refused": run(
    step(call("call-1", {}, "run_code"), ask("ask-1", "call-1")),
    answer("ask-1", false, { reason: "not now" }),
    { type: "tool-output-denied", toolCallId: "call-1" },
  ),
  "approval-by-rule": oneStep(
    call("call-1", {}),
    ask("ask-1", "call-1", { isAutomatic: true }),
    answer("ask-1", true),
    output("call-1", 1),
  ),
  "approval-described": oneStep(
    call("call-1", {}),
    ask("ask-1", "call-1", {
      approvalDescriptor: { diff: "+1" },
      inputSchemaInput: null,
      signature: "s",
      isAutomatic: false,
    }),
    answer("ask-1", true, { providerExecuted: true, ...signed }),
  ),
  "approval-asked-twice": oneStep(
    call("call-1", {}),
    ask("ask-1", "call-1"),
    ask("ask-2", "call-1"),
    answer("ask-2", true),
  ),
  "approval-while-input-grows": oneStep(
    begin("call-1"),
    type("call-1", '{"a": "x'),
    ask("ask-1", "call-1"),
    type("call-1", 'y"}'),
  ),
  "data-replaced": oneStep(
    data("display", [1], { id: "call-1" }),
    say("t", "x"),
    data("display", [1, 2], { id: "call-1" }),
    data("notice", 0, { id: "call-1" }),
  ),
  "data-without-id": oneStep(data("context", { name: "@df" }), data("context", { name: "@df" })),
  "data-transient": oneStep(
    data("notice", { text: "waiting" }, { transient: true }),
    data("notice", null, { id: "n", transient: false }),
  ),
  "data-extra-field": oneStep(data("display", 1, { id: "d", more: "kept" })),
  "parts-of-all-kinds": oneStep(
    { type: "source-url", sourceId: "s1", url: "https://example.org/", title: "Example" },
    { type: "source-url", sourceId: "s2", url: "https://example.net/", ...signed },
    { type: "source-document", sourceId: "s3", mediaType: "application/pdf", title: "Paper", filename: "p.pdf" },
    { type: "file", url: "data:text/plain,x", mediaType: "text/plain", ...signed },
    { type: "reasoning-file", url: "data:text/plain,y", mediaType: "text/plain" },
    { type: "custom", kind: "lab.trace", ...signed },
    {
      type: "steering-message",
      id: "user-2",
      parts: [
        { type: "text", text: "shorter" },
        { type: "file", url: "data:,", mediaType: "text/plain" },
      ],
    },
  ),
  "metadata-merged": [
    start("msg-1", { a: { b: 1, list: [1, 2] }, keep: true }),
    metadata({ a: { c: 2, list: [3] } }),
    metadata({ a: { b: null } }),
    metadata(null),
    finish("stop", { keep: { now: "object" } }),
    metadata({ late: 1 }),
  ],
  "metadata-no-object": [start("msg-1", [1, { a: 1 }]), metadata("xy")],
  "step-run-again": [
    start(),
    ...step(...say("t0", "kept")),
    { type: "start-step" },
    ...say("t1", "cut"),
    call("call-1", {}),
    data("display", 1, { id: "call-1" }),
    { type: "text-start", id: "t2" },
    { type: "reset-step" },
    ...say("t1", "again"),
    call("call-1", { a: 1 }),
    output("call-1", 1),
    { type: "finish-step" },
    finish(),
  ],
  "reset-without-step": [start(), ...say("t", "gone"), { type: "reset-step" }, ...say("t", "here"), finish()],
  "start-late": [...step(...say("t", "before")), start(), ...step(...say("t", "after")), finish()],
  "start-again": run(step(...say("t", "a")), start("msg-1", { again: true }), step(...say("u", "b"))),
  "start-of-another": run(step(...say("t", "a")), metadata({ old: 1 }), start("msg-2"), step(...say("u", "b"))),
  "start-unnamed": [{ type: "start" }, ...step(...say("t", "x")), { type: "finish" }],
  "failed-run": [
    start(),
    { type: "start-step" },
    ...say("t", "so far"),
    metadata({ error: { code: "rate-limit", message: "slow down", hint: "" } }),
    { type: "error", errorText: "slow down" },
  ],
  "error-only": [{ type: "error", errorText: "no model" }],
  "stopped-run": [
    start(),
    { type: "start-step" },
    ...say("t", "so"),
    begin("call-1"),
    ...type("call-1", '{"a'),
    failed("call-1", "stopped by the user"),
    metadata({ steps: 1 }),
    { type: "abort", reason: "stopped" },
  ],
  "stopped-with-open-parts": [
    start(),
    { type: "start-step" },
    { type: "text-start", id: "t" },
    { type: "text-delta", id: "t", delta: "cut" },
    { type: "abort" },
  ],
  "unknown-fields": run(
    { type: "start-step", nr: 1 },
    { type: "text-start", id: "t", colour: "red" },
    { type: "text-end", id: "t" },
    { type: "file", url: "u", mediaType: "m/t", filename: "f" },
  ),
};

const continued = {
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

const bad = {
  "bad-delta-before-start": [start(), { type: "text-delta", id: "t", delta: "x" }],
  "bad-delta-after-end": oneStep(say("t", "x"), { type: "text-delta", id: "t", delta: "y" }),
  "bad-end-of-other-kind": oneStep({ type: "reasoning-start", id: "r" }, { type: "text-end", id: "r" }),
  "bad-reasoning-before-start": [start(), { type: "reasoning-delta", id: "__proto__", delta: "x" }],
  "bad-delta-after-reset": [
    start(),
    { type: "start-step" },
    { type: "text-start", id: "t" },
    { type: "reset-step" },
    { type: "text-delta", id: "t", delta: "x" },
  ],
  "bad-tool-delta": [start(), ...type("call-1", "{")],
  "bad-output-of-unknown": [start(), call("call-1", {}), output("call-2", 1)],
  "bad-denial-of-unknown": [start(), { type: "tool-output-denied", toolCallId: "call-1" }],
  "bad-request-of-unknown": [start(), ask("ask-1", "call-1")],
  "bad-answer-of-unknown": [start(), call("call-1", {}), ask("ask-1", "call-1"), answer("ask-2", true)],
  "bad-output-missing": [start(), call("call-1", {}), { type: "tool-output-available", toolCallId: "call-1" }],
  "bad-input-missing": [start(), { type: "tool-input-available", toolCallId: "call-1", toolName: "x" }],
  "bad-data-missing": [start(), { type: "data-x", id: "d" }],
  "bad-metadata-missing": [start(), { type: "message-metadata" }],
  "bad-null": [start(), { type: "text-start", id: "t", providerMetadata: null }],
  "bad-null-title": [start(), call("call-1", {}, "x", { title: null })],
  "bad-number-for-text": [start(), { type: "text-start", id: 7 }],
  "bad-text-for-boolean": [start(), call("call-1", {}, "x", { dynamic: "yes" })],
  "bad-metadata-shape": [start(), { type: "text-start", id: "t", providerMetadata: { lab: 1 } }],
  "bad-list-for-object": [start(), call("call-1", {}, "x", { toolMetadata: [] })],
  "bad-finish-reason": [start(), finish("bored")],
  "bad-encoding": [start(), begin("call-1", "x", { inputEncoding: "xml" })],
  "bad-steering": [start(), { type: "steering-message", id: "u", parts: [{ type: "image" }] }],
  "bad-citation": [
    start(),
    { type: "text-start", id: "t" },
    { type: "text-end", id: "t", citations: [{ source: {} }] },
  ],
  "bad-type": [start(), { type: "usage", totalTokens: 1 }],
  "bad-type-missing": [start(), { id: "t" }],
  "bad-snake-case": [start(), { type: "tool-output-denied", tool_call_id: "call-1" }],
  "bad-list": [start(), ["text-start"]],
};

const fromObject = (streams) => Object.entries(streams).map(([name, chunks]) => ({ name, chunks }));

/** [{name, chunks, initial?}] */
export const streams = [
  ...fromObject(good),
  ...Object.entries(continued).map(([name, { initial, chunks }]) => ({ name, initial, chunks })),
  ...fromObject(bad),
].map((stream) => JSON.parse(JSON.stringify(stream)));
