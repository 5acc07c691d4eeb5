import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { parsePartialJson } from "./partial-json.ts";
import { ProtocolError, Reducer, reduceChunks, type ToolPart, type UIMessage, type UIMessageChunk } from "./reducer.ts";

interface Fixture {
  name: string;
  chunks: UIMessageChunk[];
  initial?: UIMessage;
  final: UIMessage | null;
  violation: { chunkIndex: number } | null;
}

const OWN = join(import.meta.dirname, "../../tests/fixtures/streams");

/** A file holds one stream, or a list of them. */
function readFixtures(folder: string): Fixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => JSON.parse(readFileSync(join(folder, file), "utf8")))
    .map((fixture) => ({ ...fixture, violation: "expect" in fixture ? fixture.expect.violation : fixture.violation }));
}

/** As it would be sent, without trailing step boundaries: the client does not report those, nor an empty message. */
function plain(message: UIMessage | null): unknown {
  const copy = JSON.parse(JSON.stringify(message ?? { id: "", role: "assistant", parts: [] }));
  while (copy.parts.at(-1)?.type === "step-start") copy.parts.pop();
  return copy;
}

const folders = [OWN, process.env.UI_STREAM_VECTORS].filter((folder) => folder !== undefined);

describe.each(folders)("the streams in %s", (folder) => {
  test.each(readFixtures(folder))("$name", ({ chunks, initial, final, violation }) => {
    const before = JSON.stringify(initial);
    const reducer = new Reducer(initial);
    const failing = chunks.findIndex((chunk) => {
      try {
        reducer.push(chunk);
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        return true;
      }
    });
    expect(failing).toBe(violation?.chunkIndex ?? -1);
    expect(plain(reducer.message)).toStrictEqual(plain(final));
    if (violation) expect(() => reduceChunks(chunks, initial)).toThrow(ProtocolError);
    else expect(plain(reduceChunks(chunks, initial))).toStrictEqual(plain(final));
    expect(JSON.stringify(initial)).toBe(before);
  });
});

test("the message stays one object, and what was given stays as it was", () => {
  const initial: UIMessage = { id: "m", role: "assistant", metadata: { a: 1 }, parts: [{ type: "text", text: "x" }] };
  const reducer = new Reducer(initial);
  const { message } = reducer;
  reducer.push({ type: "message-metadata", messageMetadata: { b: 2 } });
  reducer.push({ type: "start", messageId: "other" });
  reducer.push({ type: "text-start", id: "t" });
  expect(reducer.message).toBe(message);
  expect(message).toEqual({ id: "other", role: "assistant", parts: [{ type: "text", text: "", state: "streaming" }] });
  expect(initial).toEqual({ id: "m", role: "assistant", metadata: { a: 1 }, parts: [{ type: "text", text: "x" }] });
});

test("a violation names the chunk, the field and the reason, and changes nothing", () => {
  const chunks: UIMessageChunk[] = [{ type: "start" }, { type: "text-delta", id: "t", delta: "x" }];
  expect(() => reduceChunks(chunks)).toThrow('chunk 1: id: text-delta without an open text-start of "t"');
  expect(() => reduceChunks([{ type: "text-end" } as UIMessageChunk])).toThrow(
    "chunk 0: text-end: id must be a string",
  );
  expect(() => reduceChunks([{ type: "usage" } as never])).toThrow('type: "usage" is no chunk type');

  const reducer = new Reducer();
  reducer.push({ type: "start", messageId: "m" });
  const { version } = reducer;
  expect(() => reducer.push({ type: "tool-output-denied", toolCallId: "c" })).toThrow(ProtocolError);
  expect(reducer.version).toBe(version);
  expect(reducer.message).toEqual({ id: "m", role: "assistant", parts: [] });
});

test("only the part that a delta is for gets a new version", () => {
  const reducer = new Reducer();
  reducer.push({ type: "start", messageId: "m" });
  reducer.push({ type: "text-start", id: "a" });
  reducer.push({ type: "tool-input-start", toolCallId: "c", toolName: "t" });
  const [text, tool] = reducer.partVersions;
  reducer.push({ type: "tool-input-delta", toolCallId: "c", inputTextDelta: '{"a' });
  expect(reducer.partVersions[0]).toBe(text);
  expect(reducer.partVersions[1]).toBeGreaterThan(tool as number);
  const head = reducer.headVersion;
  reducer.push({ type: "finish", finishReason: "stop", messageMetadata: { steps: 1 } });
  expect(reducer.headVersion).toBeGreaterThan(head);
  expect(reducer.partVersions[0]).toBe(text);
});

test("how the run ended can be asked for", () => {
  const reducer = new Reducer();
  reducer.push({ type: "error", errorText: "boom" });
  reducer.push({ type: "abort", reason: "stopped" });
  reducer.push({ type: "finish", finishReason: "length" });
  expect(reducer.errors).toEqual(["boom"]);
  expect([reducer.aborted, reducer.abortReason, reducer.finishReason]).toEqual([true, "stopped", "length"]);
});

test("an input that streams is parsed when it is read, and not at every delta", () => {
  const reducer = new Reducer();
  reducer.push({ type: "tool-input-start", toolCallId: "c", toolName: "t" });
  const part = () => reducer.message.parts[0] as ToolPart;
  const parse = vi.spyOn(JSON, "parse");
  for (const inputTextDelta of ['{"a": ', "[1", ", 2", "]"]) {
    reducer.push({ type: "tool-input-delta", toolCallId: "c", inputTextDelta });
  }
  expect(parse).not.toHaveBeenCalled();
  expect([part().input, part().input]).toEqual([{ a: [1, 2] }, { a: [1, 2] }]);
  expect(parse).toHaveBeenCalledTimes(2); // as it is, and closed
  parse.mockRestore();
  expect({ ...part() }.rawInput).toBe('{"a": [1, 2]');
});

/** How often the reducer looks at the list of parts, and into the values that came, when `chunks` follow a long step. */
function looks(before: number, chunks: UIMessageChunk[]): { parts: number; values: number } {
  const seen = { parts: 0, values: 0 };
  const counted = <T extends object>(target: T, what: keyof typeof seen): T =>
    new Proxy(target, {
      get: (held, key, receiver) => {
        seen[what]++;
        return Reflect.get(held, key, receiver);
      },
      ownKeys: (held) => {
        seen[what]++;
        return Reflect.ownKeys(held);
      },
    });
  const reducer = new Reducer();
  reducer.push({ type: "start-step" });
  for (let nr = 0; nr < before; nr++) {
    const toolCallId = `call-${nr}`;
    reducer.push({ type: "tool-input-available", toolCallId, toolName: "t", input: counted({}, "values") });
    reducer.push({ type: "tool-output-available", toolCallId, output: counted({ rows: [1, 2, 3] }, "values") });
    reducer.push({ type: "data-display", id: toolCallId, data: counted({}, "values") });
  }
  reducer.push({ type: "text-start", id: "t" });
  reducer.push({ type: "tool-input-start", toolCallId: "c", toolName: "t" });
  reducer.push({ type: "tool-input-delta", toolCallId: "c", inputTextDelta: "[" });
  reducer.message.parts = counted(reducer.message.parts, "parts");
  seen.parts = 0;
  for (const chunk of chunks) reducer.push(chunk);
  return seen;
}

test("a delta looks at nothing that came before it", () => {
  const text: UIMessageChunk = { type: "text-delta", id: "t", delta: "token " };
  const input: UIMessageChunk = { type: "tool-input-delta", toolCallId: "c", inputTextDelta: "1," };
  expect(looks(60, Array(2000).fill([text, input]).flat())).toEqual({ parts: 0, values: 0 });
});

test("a call, its output and its display look at no more in a long step than in a short one", () => {
  const chunks: UIMessageChunk[] = [
    { type: "tool-input-available", toolCallId: "c", toolName: "t", input: {} },
    { type: "tool-output-available", toolCallId: "c", output: 1, preliminary: true },
    { type: "tool-output-available", toolCallId: "c", output: 2 },
    { type: "data-display", id: "c", data: 1 },
    { type: "data-display", id: "c", data: 2 },
    { type: "tool-input-start", toolCallId: "d", toolName: "t" },
    { type: "tool-output-error", toolCallId: "d", errorText: "e" },
  ];
  expect(looks(1000, chunks)).toEqual(looks(1, chunks));
});

describe("half a JSON text", () => {
  const rows: [string, [unknown] | []][] = JSON.parse(readFileSync(join(OWN, "../partial-json.json"), "utf8"));
  test("reads as the table says", () => {
    for (const [text, [value]] of rows) expect([text, parsePartialJson(text)]).toStrictEqual([text, value]);
  });
});
