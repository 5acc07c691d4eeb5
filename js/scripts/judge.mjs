#!/usr/bin/env node
/**
 * Reads streams from standard input, one JSON {chunks, initial?} a line, and prints of each what the official client
 * makes of it, {final, violation, refused}, `refused` being why it would not take that message back, and what the page's reducer does, {page: {final, failed}}: `failed` is the index of
 * the chunk that it refuses, or null.
 */
import { createInterface } from "node:readline";
import { safeValidateUIMessages } from "ai";
import { judge } from "./client.mjs";
import { load } from "./load.mjs";

const { Reducer } = await load("reducer.ts");

function reduce({ chunks, initial }) {
  const reducer = new Reducer(initial);
  const failed = chunks.findIndex((chunk) => {
    try {
      reducer.push(chunk);
      return false;
    } catch (error) {
      if (error.name !== "ProtocolError") throw error;
      return true;
    }
  });
  return { final: reducer.message, failed: failed < 0 ? null : failed };
}

for await (const line of createInterface({ input: process.stdin })) {
  const stream = JSON.parse(line);
  const page = reduce(stream);
  const { final, violation } = await judge(stream);
  const checked = final && (await safeValidateUIMessages({ messages: [final] }));
  const refused = checked && !checked.success ? String(checked.error) : null;
  console.log(JSON.stringify({ final, violation, refused, page }));
}
