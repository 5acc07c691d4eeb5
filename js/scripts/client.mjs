/** The real `ai` client (pinned in package.json) as the judge of streams. */
import * as ai from "ai";

/** The chunks that pass the client's schema, up to the first that does not. */
async function validate(chunks) {
  const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
  const stream = new Blob([text]).stream();
  const valid = [];
  for await (const result of ai.parseJsonEventStream({ stream, schema: ai.uiMessageChunkSchema })) {
    if (!result.success) return { valid, violation: { layer: "schema", chunkIndex: valid.length } };
    valid.push(result.value);
  }
  return { valid, violation: null };
}

async function reduce(chunks, initial) {
  const told = new Set(chunks.filter((chunk) => chunk.type === "error").map((chunk) => chunk.errorText));
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of structuredClone(chunks)) controller.enqueue(chunk);
      controller.close();
    },
  });
  let final = null;
  let problem = null;
  const onError = (error) => {
    // an error chunk is reported here too, as a bare Error with its text
    if (error.name !== "Error" || !told.has(error.message)) problem ??= error;
  };
  const message = initial && structuredClone(initial);
  for await (const snapshot of ai.readUIMessageStream({ stream, message, onError })) final = snapshot;
  return { final, problem };
}

/** What the client makes of a stream: {name?, chunks, initial?, final, violation}, as make-fixtures.mjs describes it. */
export async function judge({ name, chunks, initial }) {
  const { valid, violation } = await validate(chunks);
  const { final, problem } = await reduce(valid, initial);
  const fixture = { name, chunks, ...(initial && { initial }), final, violation };
  if (!problem) return fixture;
  let length = 1;
  while (!(await reduce(valid.slice(0, length), initial)).problem) length++;
  return { ...fixture, violation: { layer: "reducer", chunkIndex: length - 1, message: problem.message } };
}
