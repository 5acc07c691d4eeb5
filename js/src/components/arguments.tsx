import type { ToolPart } from "../protocol-types.ts";
import { visible } from "../visible.ts";
import { codeNameOf, codeOf, inputOf } from "../words.ts";
import { Code } from "./code.tsx";

interface Props {
  part: ToolPart;
  language?: string;
  insertable?: boolean;
  /** Values that are shown elsewhere already. */
  shown?: readonly unknown[];
}

/** A call's arguments, exactly: code as code, the others by name. */
export function Arguments({ part, language = languageOf(part), insertable = true, shown = [] }: Props) {
  const streaming = part.state === "input-streaming";
  const code = codeOf(part);
  const others = Object.entries(inputOf(part)).filter(([name, value]) => {
    const isCode = name === codeNameOf(part) && code !== null;
    return !isCode && !(typeof value === "string" && shown.includes(value));
  });
  const isObject = typeof part.input === "object" && part.input !== null && !Array.isArray(part.input);
  const isOther = !isObject && part.input !== undefined && part.input !== null;
  return (
    <>
      {others.length > 0 && (
        <dl class="cw-arguments">
          {others.map(([name, value]) => [
            <dt key={name}>{visible(name)}</dt>,
            <dd key={`${name} =`}>{visible(literal(value))}</dd>,
          ])}
        </dl>
      )}
      {code !== null && !shown.includes(code) && (
        <Code code={code} language={language} streaming={streaming} insertable={insertable} follow />
      )}
      {isOther && <Code code={literal(part.input)} language="json" streaming={streaming} />}
    </>
  );
}

const languageOf = (part: ToolPart): string => (inputOf(part).type === "markdown" ? "markdown" : "python");

/** Text of several lines as it is, all else as JSON, so that "1" and 1 differ. */
const literal = (value: unknown): string =>
  typeof value === "string" && value.includes("\n") ? value : (JSON.stringify(value, null, 1) ?? "");
