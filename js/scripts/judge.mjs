#!/usr/bin/env node
/** Reads streams from standard input, one JSON {chunks, initial?} a line, and prints the client's {final, violation} of each. */
import { createInterface } from "node:readline";
import { judge } from "./client.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  const { final, violation } = await judge(JSON.parse(line));
  console.log(JSON.stringify({ final, violation }));
}
