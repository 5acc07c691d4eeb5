import { useState } from "preact/hooks";
import type { ToolPart } from "../protocol-types.ts";
import { allCharacters } from "../strings.ts";
import { visible } from "../visible.ts";
import { codeNameOf, codeOf, inputOf } from "../words.ts";
import { Code } from "./code.tsx";
import { ShowAll } from "./show-all.tsx";

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
            <dd key={`${name} =`}>
              <Literal name={name} text={visible(literal(value))} />
            </dd>,
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

/** Characters, and lines, of a value that is shown whole: about as high as the box that a longer one scrolls in. */
const SHORT = 300;
const FEW = 10;

function Literal({ name, text }: { name: string; text: string }) {
  const [all, setAll] = useState(false);
  if (all || (text.length < SHORT && text.split("\n", FEW + 1).length <= FEW)) return text;
  return (
    <>
      <div class="cw-scroll" tabIndex={0} role="group" aria-label={name}>
        {text}
      </div>
      <ShowAll text={allCharacters(text.length)} act={() => setAll(true)} />
    </>
  );
}

const languageOf = (part: ToolPart): string => (inputOf(part).type === "markdown" ? "markdown" : "python");

/** Text of several lines as it is, all else as JSON, so that "1" and 1 differ. */
const literal = (value: unknown): string =>
  typeof value === "string" && value.includes("\n") ? value : (JSON.stringify(value, null, 1) ?? "");
