import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ProtocolError, Reducer, reduceChunks, type UIMessage, type UIMessageChunk } from "./reducer.ts";

interface Fixture {
  name: string;
  chunks: UIMessageChunk[];
  initial?: UIMessage;
  final: UIMessage | null;
  violation: { chunkIndex: number } | null;
}

const OWN = join(import.meta.dirname, "../../tests/fixtures/streams");

function readFixtures(folder: string): Fixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => {
      const fixture = JSON.parse(readFileSync(join(folder, file), "utf8"));
      return { ...fixture, violation: "expect" in fixture ? fixture.expect.violation : fixture.violation };
    });
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
