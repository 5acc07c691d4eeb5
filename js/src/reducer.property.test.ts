import * as ai from "ai";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePartialJson } from "./partial-json.ts";
import { Reducer, reduceChunks, type UIMessage, type UIMessageChunk } from "./reducer.ts";
import { randomStream } from "./testing/random-stream.ts";

const choices = fc.array(fc.nat(255), { maxLength: 150, size: "max" });
const plain = (message: unknown) => JSON.parse(JSON.stringify(message));

/** What the AI SDK's own client makes of a stream. It reports no message before the first change that it shows. */
async function official(chunks: UIMessageChunk[], initial?: UIMessage): Promise<UIMessage> {
  const stream = new ReadableStream<ai.UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(structuredClone(chunk) as ai.UIMessageChunk);
      controller.enqueue({ type: "message-metadata", messageMetadata: { last: true } });
      controller.close();
    },
  });
  let last: unknown;
  const message = initial && (structuredClone(initial) as ai.UIMessage);
  for await (const message_ of ai.readUIMessageStream({ stream, ...(message && { message }) })) last = message_;
  return plain(last) as UIMessage;
}
const END: UIMessageChunk = { type: "message-metadata", messageMetadata: { last: true } };

test("any valid stream reduces to what the official client makes of it", async () => {
  await fc.assert(
    fc.asyncProperty(choices, async (spelling) => {
      const chunks = randomStream(spelling);
      expect(plain(reduceChunks([...chunks, END]))).toStrictEqual(await official(chunks));
    }),
    { numRuns: 400 },
  );
});

test("a stream can be cut anywhere and go on from the kept message as the official client does", async () => {
  await fc.assert(
    fc.asyncProperty(choices, fc.nat(), async (spelling, where) => {
      const chunks = randomStream(spelling);
      const kept = plain(reduceChunks(chunks.slice(0, where % (chunks.length + 1)))) as UIMessage;
      const rest = randomStream(spelling.toReversed());
      expect(plain(reduceChunks([...rest, END], kept))).toStrictEqual(await official(rest, kept));
    }),
    { numRuns: 400 },
  );
});

test("what is shown on the way is what the chunks so far make", () => {
  fc.assert(
    fc.property(choices, (spelling) => {
      const chunks = randomStream(spelling);
      const reducer = new Reducer();
      chunks.forEach((chunk, index) => {
        reducer.push(chunk);
        expect(plain(reducer.message)).toStrictEqual(plain(reduceChunks(chunks.slice(0, index + 1))));
      });
    }),
    { numRuns: 60 },
  );
});

test("a part's version changes exactly when the part does", () => {
  fc.assert(
    fc.property(choices, (spelling) => {
      const reducer = new Reducer();
      let before: { version: number; text: string }[] = [];
      const seen = new Map<number, string>();
      for (const chunk of randomStream(spelling)) {
        const { version, headVersion } = reducer;
        const head = JSON.stringify({ ...reducer.message, parts: 0 });
        reducer.push(chunk);
        const now = reducer.message.parts.map((part, index) => ({
          version: reducer.partVersions[index] as number,
          text: JSON.stringify(part),
        }));
        expect(reducer.partVersions).toHaveLength(now.length);
        for (const { version, text } of now) {
          expect(seen.get(version) ?? text).toBe(text);
          seen.set(version, text);
        }
        if (JSON.stringify(now) !== JSON.stringify(before)) expect(reducer.version).toBeGreaterThan(version);
        if (JSON.stringify({ ...reducer.message, parts: 0 }) !== head) {
          expect(reducer.headVersion).toBeGreaterThan(headVersion);
        }
        before = now;
      }
    }),
    { numRuns: 200 },
  );
});

const json = fc.json({ maxDepth: 4 });
const jsonLike = fc
  .array(fc.constantFrom(...'{}[]",:\\u0e1-+.eE truefalsnxyé', "{", '"a":', '"', "[", "true", "nul", "\\u00e9", "12"), {
    maxLength: 24,
  })
  .map((pieces) => pieces.join(""));

test("half a JSON text reads as it does for the official client, also where it is none", async () => {
  const cut = fc.tuple(json, fc.nat()).map(([text, where]) => text.slice(0, where % (text.length + 1)));
  await fc.assert(
    fc.asyncProperty(fc.oneof(cut, jsonLike), async (text) => {
      expect(parsePartialJson(text)).toStrictEqual((await ai.parsePartialJson(text)).value);
    }),
    { numRuns: 3000 },
  );
});
