/** What a tool's row says. */

import type { ToolPart, ToolState } from "./protocol-types.ts";
import { toolNameOf } from "./protocol-types.ts";
import { lines, PAST, ranTools, Words } from "./strings.ts";
import { visible } from "./visible.ts";

export type Mood = "busy" | "asks" | "done" | "failed" | "refused";

/** A call that a preliminary output shows is still running. */
export function moodOf(part: ToolPart): Mood {
  if (part.state === "output-available") return part.preliminary ? "busy" : "done";
  return MOODS[part.state] ?? "busy";
}

const MOODS: Partial<Record<ToolState, Mood>> = {
  "approval-requested": "asks",
  "output-error": "failed",
  "output-denied": "refused",
};

const STATES: Record<Mood, string> = {
  busy: Words.Running,
  asks: Words.ApprovalNeeded,
  done: Words.Done,
  failed: Words.Failed,
  refused: Words.Denied,
};

/** The state in a word or two; colour only repeats it. */
export function stateWord(part: ToolPart): string {
  if (part.state === "input-streaming") return Words.Preparing;
  if (part.state === "approval-responded" && part.approval?.approved === false) return Words.Denied;
  return STATES[moodOf(part)];
}

/** The tool's name for people; of a call that is done in the past tense: "Inspect variable", "Inspected variable". */
export function titleOf(part: ToolPart): string {
  const title = visible(part.title || humanised(toolNameOf(part)));
  return moodOf(part) === "done" ? past(title) : title;
}

/** "Inspected 3 variables", "Ran code × 3" where there is no plural, "Ran 3 tools" where they are several. */
export function groupTitle(parts: readonly ToolPart[]): string {
  const count = parts.length;
  const first = parts[0] as ToolPart;
  if (parts.some((part) => toolNameOf(part) !== toolNameOf(first))) return ranTools(count);
  const title = titleOf(first);
  if (count === 1) return title;
  const [verb, noun, ...more] = title.split(" ");
  const isCountable = noun && more.length === 0 && title !== (first.title || "") && !UNCOUNTABLE.test(noun);
  return isCountable ? `${verb} ${count} ${noun}s` : `${title} × ${count}`;
}

const UNCOUNTABLE = /^(?:code|data|help|history|.*s)$/i;

const REGULAR =
  /^(?:Add|Ask|Call|Change|Check|Compute|Count|Create|Delete|Describe|Edit|Explain|Fetch|Insert|Inspect|List|Load|Look|Open|Profile|Query|Replace|Search|Show|Summarise|Summarize|Test|Update|Use)$/;

/** Only verbs that are known: a tool's name need not begin with one. */
function past(title: string): string {
  const [verb = "", ...rest] = title.split(" ");
  const known = PAST[verb] ?? (REGULAR.test(verb) ? verb.replace(/e?$/, "ed").replace(/ryed$/, "ried") : verb);
  return [known, ...rest].join(" ");
}

/** "find_order" → "Find order". */
function humanised(name: string): string {
  const text = name
    .replace(/^.*__/, "")
    .replace(/[_-]+/g, " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .trim()
    .toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

type Input = Record<string, unknown>;

export function inputOf(part: ToolPart): Input {
  const { input } = part;
  return typeof input === "object" && input !== null && !Array.isArray(input) ? (input as Input) : {};
}

/** Whether a call changes a cell of the notebook: its row stays open, and shows the diff. */
export const changesCell = (part: ToolPart): boolean => /^(?:edit|insert)_cell$/.test(toolNameOf(part));

/** The argument of a call that is code. */
export const codeNameOf = (part: ToolPart): string => (changesCell(part) ? "source" : "code");

/** The code of a call that takes some, else null. */
export function codeOf(part: ToolPart): string | null {
  const code = inputOf(part)[codeNameOf(part)];
  return typeof code === "string" ? code : null;
}

/** What a row says of a call's arguments: "df", "3 lines". */
export function detailOf(part: ToolPart): string {
  const code = codeOf(part);
  if (changesCell(part)) return visible(String(inputOf(part).cell ?? ""));
  if (code !== null) return code.includes("\n") ? lines(code.trimEnd().split("\n").length) : visible(code);
  const values = Object.values(inputOf(part)).filter((value) => typeof value === "string" || typeof value === "number");
  return visible(values.slice(0, 2).map(String).join(", ").replace(/\s+/g, " ").slice(0, 80));
}
