/** A run's message: its parts in their order, finished calls of a kind folded into one row. */
import { useId, useMemo, useState } from "preact/hooks";
import { roughDuration } from "../format.ts";
import { isToolPart, type ReasoningPart, type ToolPart, toolNameOf, type UIMessagePart } from "../protocol-types.ts";
import type { RunState } from "../run.ts";
import { thought, Words } from "../strings.ts";
import { changesCell, detailOf, groupTitle, moodOf } from "../words.ts";
import { useWidget } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Late } from "./late.tsx";
import { Markdown } from "./markdown.tsx";
import { isPicture } from "./output.tsx";
import { StateMark, Tool } from "./tool.tsx";

/** Parts that have a place of their own. */
function isShown(part: UIMessagePart): boolean {
  if (part.type === "text" || part.type === "reasoning") return part.text.trim() !== "";
  return isToolPart(part) || part.type === "file" || part.type === "source-url" || part.type === "source-document";
}

interface Place {
  index: number;
  part: UIMessagePart;
}

export function Message({ run }: { run: RunState }) {
  const places: Place[] = [];
  for (const [index, part] of run.message.parts.entries()) if (isShown(part)) places.push({ index, part });
  const groups = grouped(places, run);
  return (
    <>
      {groups.map((group) => {
        const first = group[0] as Place;
        const isLast = group === groups.at(-1);
        if (isSource(first.part))
          return <Late view="Sources" key={first.index} parts={group.map(({ part }) => part)} />;
        return group.length > 1 ? (
          <ToolGroup key={first.index} run={run} places={group} />
        ) : (
          <Part key={first.index} run={run} index={first.index} current={isLast} ended={run.ended} />
        );
      })}
    </>
  );
}

/**
 * Neighbours that are finished calls make one group where they are of one tool, or more than two; a call with a picture
 * stands by itself, and so does one that failed. Sources make a list.
 */
function grouped(places: Place[], run: RunState): Place[][] {
  const runs: Place[][] = [];
  let kind = "";
  for (const place of places) {
    const own = foldableKind(place.part, run);
    if (own !== "" && own === kind) runs.at(-1)?.push(place);
    else runs.push([place]);
    kind = own;
  }
  return runs.flatMap((group) => (isToolPart((group[0] as Place).part) ? folded(group) : [group]));
}

function foldableKind(part: UIMessagePart, run: RunState): string {
  if (isSource(part)) return "source";
  if (!isToolPart(part) || moodOf(part) !== "done" || changesCell(part)) return "";
  return run.display(part)?.some(isPicture) ? "" : "call";
}

/** Two calls of two tools say more than "Ran 2 tools". */
function folded(calls: Place[]): Place[][] {
  const names = new Set(calls.map(({ part }) => toolNameOf(part as ToolPart)));
  return calls.length > 2 || names.size === 1 ? [calls] : calls.map((call) => [call]);
}

const isSource = (part: UIMessagePart): boolean => part.type === "source-url" || part.type === "source-document";

interface PartProps {
  run: RunState;
  index: number;
  current: boolean;
  ended: boolean;
}

/** One part; drawn again only when it has changed. */
function Part({ run, index, current, ended }: PartProps) {
  const { store } = useWidget();
  const part = run.message.parts[index];
  const asked = part && isToolPart(part) ? part.approval?.id : undefined;
  const change = part && isToolPart(part) && store.view.changes[run.id]?.[part.toolCallId];
  // Parts are changed in place, their version says when; an approval's card follows what was answered here, too.
  const key = `${run.partVersion(index)} ${run.status} ${asked && `${store.answering.get(asked)} ${store.connection}`} ${change}`;
  return useMemo(() => draw(run, part, current), [run, part, key, current, ended]);
}

function draw(run: RunState, part: UIMessagePart | undefined, current: boolean) {
  if (!part) return null;
  if (isToolPart(part)) return <Tool run={run} part={part} current={current} />;
  switch (part.type) {
    case "text":
      return (
        <div class="cw-answer" data-part="text">
          <Markdown text={part.text} ended={part.state !== "streaming" || run.ended} />
        </div>
      );
    case "reasoning":
      return <Reasoning run={run} part={part} streaming={part.state === "streaming" && !run.ended} />;
    case "file":
      return <File mediaType={part.mediaType} url={part.url} name={part.filename ?? ""} />;
    default:
      return null;
  }
}

function Reasoning({ run, part, streaming }: { run: RunState; part: ReasoningPart; streaming: boolean }) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const body = useId();
  const open = chosen ?? streaming;
  const span = run.spanOf(part.id);
  const took = span?.end === undefined ? "" : roughDuration(span.end - span.start);
  return (
    <div class="cw-reasoning" data-part="reasoning">
      <button type="button" class="cw-row" aria-expanded={open} aria-controls={body} onClick={() => setChosen(!open)}>
        <Icon name="chevron" class={open ? "cw-open" : ""} />
        <span class="cw-row-title">{streaming ? Words.ThinkingNow : thought(took)}</span>
      </button>
      <div id={body} class="cw-body cw-thought" hidden={!open}>
        {open && <Markdown text={part.text} ended={!streaming} />}
      </div>
    </div>
  );
}

/** "Inspected 3 variables": the calls themselves unfold from it. */
function ToolGroup({ run, places }: { run: RunState; places: Place[] }) {
  const [open, setOpen] = useState(false);
  const body = useId();
  const calls = places.map(({ part }) => part as ToolPart);
  const kinds = [...new Set(calls.map(toolNameOf))].map((name) => calls.filter((call) => toolNameOf(call) === name));
  const details = kinds.length > 1 ? kinds.map(groupTitle) : calls.map(detailOf).filter(Boolean);
  return (
    <div class="cw-group">
      <button type="button" class="cw-row" aria-expanded={open} aria-controls={body} onClick={() => setOpen(!open)}>
        <Icon name="chevron" class={open ? "cw-open" : ""} />
        <span class="cw-row-title">{groupTitle(calls)}</span>
        {details.length > 0 && <span class="cw-row-detail">{details.join(", ")}</span>}
        <span class="cw-row-state">
          <StateMark mood="done" word={Words.Done} />
        </span>
      </button>
      <div id={body} class="cw-body" hidden={!open}>
        {places.map(({ index }) => (
          <Part key={index} run={run} index={index} current={false} ended={run.ended} />
        ))}
      </div>
    </div>
  );
}

export function File({ mediaType, url, name }: { mediaType: string; url: string; name: string }) {
  const isImage = /^data:image\/(?:png|jpe?g|gif|webp|svg\+xml)[;,]/i.test(url);
  if (isImage) return <img class="cw-picture" data-part="file" src={url} alt={name || Words.Picture} />;
  return (
    <p class="cw-muted" data-part="file">
      {name || Words.File} ({mediaType})
    </p>
  );
}
