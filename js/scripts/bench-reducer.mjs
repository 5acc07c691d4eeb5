#!/usr/bin/env node
/** Our reducer beside the official client: prints {ours, official}, in seconds, as JSON. */
import * as ai from "ai";
import { load } from "./load.mjs";

const { Reducer } = await load("reducer.ts");

/** A long session: 60 tool outputs of 17 kB, then an answer in 2,000 deltas. */
const chunks = [{ type: "start", messageId: "m" }];
for (let i = 0; i < 60; i++) {
  const toolCallId = `call-${i}`;
  chunks.push({ type: "start-step" });
  chunks.push({ type: "tool-input-available", toolCallId, toolName: "run_code", input: { code: "df.describe()" } });
  const rows = Array.from({ length: 170 }, (_, row) => ({ row, value: "x".repeat(80) }));
  chunks.push({ type: "tool-output-available", toolCallId, output: rows }, { type: "finish-step" });
}
chunks.push({ type: "start-step" }, { type: "text-start", id: "t" });
for (let i = 0; i < 2000; i++) chunks.push({ type: "text-delta", id: "t", delta: "token " });
chunks.push({ type: "text-end", id: "t" }, { type: "finish-step" }, { type: "finish", finishReason: "stop" });

async function seconds(work) {
  const start = performance.now();
  const text = await work();
  if (text.length !== 12_000) throw new Error("the answer is not complete");
  return (performance.now() - start) / 1000;
}

/** As a view does: the text is looked at after every delta. */
function ours() {
  const reducer = new Reducer();
  let text = "";
  for (const chunk of chunks) {
    reducer.push(chunk);
    text = reducer.message.parts.at(-1)?.text ?? "";
  }
  return text;
}

async function official() {
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let text = "";
  for await (const message of ai.readUIMessageStream({ stream })) text = message.parts.at(-1)?.text ?? "";
  return text;
}

const best = Math.min(...(await Promise.all(Array.from({ length: 3 }, () => seconds(async () => ours())))));
console.log(JSON.stringify({ ours: best, official: await seconds(official) }));
