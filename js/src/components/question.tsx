/** What the model asks the user: answers to choose from, and a line for another one. It never takes the focus. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ToolPart } from "../protocol-types.ts";
import type { RunState } from "../run.ts";
import { questionIs, Words } from "../strings.ts";
import { useWidget } from "./context.ts";
import { keepFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";

const MOST_CHOICES = 6;

export function Question({ run, part }: { run: RunState; part: ToolPart }) {
  const { store } = useWidget();
  const [text, setText] = useState("");
  const { question, choices } = asked(part.input);
  const state = store.answering.get(part.toolCallId);
  const busy = state === "" || store.connection === "gone";
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => () => keepFocus(element.current), []);
  const answer = (output: string) => {
    if (!busy && output.trim() !== "") void store.reply(run.id, part.toolCallId, output.trim());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229 || event.key !== "Enter") return;
    event.preventDefault();
    answer(text);
  };
  return (
    <div ref={element} class="cw-approval cw-question" role="group" aria-label={questionIs(question)}>
      <p class="cw-approval-title">
        <Icon name="asks" />
        <span dir="auto">{question}</span>
      </p>
      <div class="cw-question-choices">
        {choices.map((choice) => (
          <button type="button" class="cw-button" key={choice} aria-disabled={busy} onClick={() => answer(choice)}>
            <span dir="auto">{choice}</span>
          </button>
        ))}
      </div>
      <div class="cw-approval-reason">
        <input
          type="text"
          dir="auto"
          aria-label={choices.length > 0 ? Words.AnotherAnswer : Words.Answer}
          placeholder={`${choices.length > 0 ? Words.AnotherAnswer : Words.Answer}…`}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <button type="button" class="cw-button cw-primary" aria-disabled={busy} onClick={() => answer(text)}>
          {Words.Answer}
        </button>
      </div>
      {state && <p class="cw-problem">{state}</p>}
    </div>
  );
}

/** The model wrote it: anything may be there. */
function asked(input: unknown): { question: string; choices: string[] } {
  const given = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  const listed = Array.isArray(given.choices)
    ? given.choices.filter((one) => typeof one === "string" && one !== "")
    : [];
  return { question: String(given.question ?? ""), choices: [...new Set<string>(listed)].slice(0, MOST_CHOICES) };
}
