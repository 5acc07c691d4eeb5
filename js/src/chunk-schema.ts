import { ProtocolError, type UIMessageChunk } from "./protocol-types.ts";

/** What a field holds: its test, and the words that say what it must be. */
type Kind = readonly [test: (value: unknown) => boolean, must: string];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value: unknown): value is string => typeof value === "string";
const isOptional = (test: (value: unknown) => boolean) => (value: unknown) => value === undefined || test(value);
const oneOf = (...words: string[]): Kind => [
  (value) => isString(value) && words.includes(value),
  `must be one of ${words.join(", ")}`,
];

const string: Kind = [isString, "must be a string"];
const boolean: Kind = [(value) => typeof value === "boolean", "must be true or false"];
const any: Kind = [(value) => value !== undefined, "must be there (null is fine)"];
const record: Kind = [isRecord, "must be an object"];
const metadata: Kind = [
  (value) => isRecord(value) && Object.values(value).every(isRecord),
  "must be an object of objects",
];
const isCount = isOptional((value) => Number.isInteger(value) && (value as number) >= 0);
const citations: Kind = [
  (value) =>
    Array.isArray(value) &&
    value.every(
      (citation) =>
        isRecord(citation) &&
        isSource(citation["source"]) &&
        isCount(citation["startIndex"]) &&
        isCount(citation["endIndex"]) &&
        isOptional(isString)(citation["citedText"]),
    ),
  "must be a list of citations",
];
const messageParts: Kind = [
  (value) => Array.isArray(value) && value.every((part) => isTextPart(part) || isFilePart(part)),
  "must be a list of text and file parts",
];

const has = (value: unknown, required: string[], optional: string[] = []): value is Record<string, unknown> =>
  isRecord(value) &&
  required.every((key) => isString(value[key])) &&
  optional.every((key) => isOptional(isString)(value[key])) &&
  isOptional(metadata[0])(value["providerMetadata"]);

const isSource = (value: unknown): boolean =>
  has(value, ["type", "sourceType", "id"]) &&
  value["type"] === "source" &&
  (value["sourceType"] === "url"
    ? has(value, ["url"], ["title"])
    : value["sourceType"] === "document" && has(value, ["mediaType", "title"], ["filename"]));
const isTextPart = (value: unknown): boolean => has(value, ["type", "text"]) && value["type"] === "text";
const isFilePart = (value: unknown): boolean =>
  has(value, ["type", "mediaType", "url"], ["filename"]) &&
  value["type"] === "file" &&
  isOptional((reference) => isRecord(reference) && Object.values(reference).every(isString))(
    value["providerReference"],
  );

type Fields = Record<string, Kind>;

const pm = { "providerMetadata?": metadata };
const toolCall = {
  toolCallId: string,
  "providerExecuted?": boolean,
  "toolMetadata?": record,
  "dynamic?": boolean,
  ...pm,
};

/** The fields of each chunk type; a `?` marks an optional one. Fields that are not listed are let through. */
const CHUNKS: Record<Exclude<UIMessageChunk["type"], `data-${string}`>, Fields> = {
  start: { "messageId?": string, "messageMetadata?": any },
  finish: {
    "finishReason?": oneOf("stop", "length", "content-filter", "tool-calls", "error", "interrupted", "other"),
    "messageMetadata?": any,
  },
  "start-step": {},
  "finish-step": {},
  "reset-step": {},
  "text-start": { id: string, ...pm },
  "text-delta": { id: string, delta: string, ...pm },
  "text-end": { id: string, "citations?": citations, ...pm },
  "reasoning-start": { id: string, ...pm },
  "reasoning-delta": { id: string, delta: string, ...pm },
  "reasoning-end": { id: string, ...pm },
  "tool-input-start": {
    ...toolCall,
    toolName: string,
    "inputEncoding?": oneOf("json", "text"),
    "title?": string,
  },
  "tool-input-delta": { toolCallId: string, inputTextDelta: string },
  "tool-input-available": { ...toolCall, toolName: string, input: any, "title?": string },
  "tool-input-error": { ...toolCall, toolName: string, input: any, errorText: string, "title?": string },
  "tool-approval-request": {
    approvalId: string,
    toolCallId: string,
    "approvalDescriptor?": any,
    "inputSchemaInput?": any,
    "reason?": string,
    "isAutomatic?": boolean,
    "signature?": string,
  },
  "tool-approval-response": {
    approvalId: string,
    approved: boolean,
    "reason?": string,
    "providerExecuted?": boolean,
    ...pm,
  },
  "tool-output-available": { ...toolCall, output: any, "preliminary?": boolean },
  "tool-output-error": { ...toolCall, errorText: string },
  "tool-output-denied": { toolCallId: string },
  "source-url": { sourceId: string, url: string, "title?": string, ...pm },
  "source-document": { sourceId: string, mediaType: string, title: string, "filename?": string, ...pm },
  file: { url: string, mediaType: string, ...pm },
  "reasoning-file": { url: string, mediaType: string, ...pm },
  custom: { kind: string, ...pm },
  "message-metadata": { messageMetadata: any },
  "steering-message": { id: string, parts: messageParts },
  error: { errorText: string },
  abort: { "reason?": string },
};
const DATA: Fields = { data: any, "id?": string, "transient?": boolean };

interface Field {
  key: string;
  optional: boolean;
  kind: Kind;
}

const compile = (fields: Fields): Field[] =>
  Object.entries(fields).map(([name, kind]) => ({
    key: name.replace("?", ""),
    optional: name.endsWith("?"),
    kind,
  }));

const FIELDS: ReadonlyMap<string, Field[]> = new Map(
  Object.entries(CHUNKS).map(([type, fields]) => [type, compile(fields)]),
);
const DATA_FIELDS = compile(DATA);

/** Throws a ProtocolError, naming the field and the reason, unless `value` is a chunk. */
export function checkChunk(value: unknown): asserts value is UIMessageChunk {
  if (!isRecord(value)) throw new ProtocolError("a chunk must be an object");
  const type = value["type"];
  if (!isString(type)) throw new ProtocolError("type: must be a string");
  const fields = type.startsWith("data-") ? DATA_FIELDS : FIELDS.get(type);
  if (fields === undefined) throw new ProtocolError(`type: "${type}" is no chunk type`);
  for (const { key, optional, kind } of fields) {
    const held = value[key];
    if (held === undefined ? optional : kind[0](held)) continue;
    throw new ProtocolError(`${type}: ${key} ${kind[1]}`);
  }
}
