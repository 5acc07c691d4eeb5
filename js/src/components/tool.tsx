/** One call of a tool: a row that opens. */
import { useId, useState } from "preact/hooks";
import { firstLine } from "../format.ts";
import { type ToolPart, toolNameOf } from "../protocol-types.ts";
import type { RunState } from "../run.ts";
import { Words } from "../strings.ts";
import { changesCell, codeOf, detailOf, type Mood, moodOf, stateWord, titleOf } from "../words.ts";
import { Approval } from "./approval.tsx";
import { Arguments } from "./arguments.tsx";
import { Elapsed } from "./elapsed.tsx";
import { Icon, Spinner } from "./icons.tsx";
import { Late } from "./late.tsx";
import { Display, isPicture, printedOf, Text, Value } from "./output.tsx";

export interface ToolProps {
  run: RunState;
  part: ToolPart;
  /** Nothing has come after it yet: an error stays open. */
  current: boolean;
}

export function Tool({ run, part, current }: ToolProps) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const body = useId();
  const isAsked = run.awaitsView(part);
  const mood = isAsked ? "asks" : moodOf(part);
  const open = chosen ?? opensItself(part, mood, current && !run.ended);
  const pictures = run.display(part)?.filter(isPicture) ?? [];
  return (
    <div class={`cw-tool cw-${mood}`} data-part="tool" data-tool={toolNameOf(part)} data-state={part.state}>
      <button type="button" class="cw-row" aria-expanded={open} aria-controls={body} onClick={() => setChosen(!open)}>
        <Icon name="chevron" class={open ? "cw-open" : ""} />
        <span class="cw-row-title" title={titleOf(part)}>
          {titleOf(part)}
        </span>
        <RowDetail run={run} part={part} mood={mood} />
        <span class="cw-row-state">
          <StateMark mood={mood} word={isAsked ? Words.AnswerNeeded : stateWord(part)} />
          <Elapsed span={run.spanOf(part.toolCallId)} running={mood === "busy" && !run.ended} />
        </span>
      </button>
      <div id={body} class="cw-body" hidden={!open}>
        {open && <ToolBody run={run} part={part} mood={mood} />}
      </div>
      <Late view="Undo" run={run} part={part} />
      {!open && pictures.length > 0 && (
        <div class="cw-body">
          <Display bundles={pictures} />
        </div>
      )}
      {part.state === "approval-requested" && !run.ended && <Approval run={run} part={part} />}
      {isAsked && toolNameOf(part) === "ask_user" && <Late view="Question" run={run} part={part} />}
    </div>
  );
}

/** The live row is open, an error until something follows it, and a change of a cell. A card shows what an approval is about. */
function opensItself(part: ToolPart, mood: Mood, current: boolean): boolean {
  if (mood === "busy") return current || part.state !== "input-streaming";
  return mood === "failed" ? current : mood === "done" && changesCell(part);
}

function RowDetail({ run, part, mood }: { run: RunState; part: ToolPart; mood: Mood }) {
  const status = run.toolStatus(part);
  if (mood === "failed") return <span class="cw-row-detail cw-row-error">{firstLine(part.errorText ?? "")}</span>;
  const detail = detailOf(part);
  return (
    <>
      {detail && <span class="cw-row-detail">{detail}</span>}
      {status && <span class="cw-row-status">{status}</span>}
    </>
  );
}

/** Done is a tick, whose word only a screen reader needs; every other state is spelt out. */
export function StateMark({ mood, word }: { mood: Mood; word: string }) {
  return (
    <span class={`cw-state cw-state-${mood}`}>
      {mood === "busy" ? <Spinner /> : <Icon name={mood} />}
      <span class={mood === "done" ? "cw-hidden" : ""}>{word}</span>
    </span>
  );
}

function ToolBody({ run, part, mood }: { run: RunState; part: ToolPart; mood: Mood }) {
  const display = run.display(part);
  const isOut = part.state === "output-available";
  return (
    <>
      <Arguments part={part} shown={display && mood === "done" && changesCell(part) ? [codeOf(part)] : []} />
      {isOut && (!display || (part.preliminary && printedOf(part.output))) && <Value value={part.output} />}
      {display && <Display bundles={display} />}
      {mood === "failed" && <Text text={part.errorText ?? ""} />}
      {mood === "refused" && <p class="cw-muted">{part.approval?.reason || Words.NotAllowed}</p>}
    </>
  );
}
