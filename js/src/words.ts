/** What a tool's row says. */

import { counted } from "./format.ts";
import type { ToolPart, ToolState } from "./protocol-types.ts";
import { toolNameOf } from "./protocol-types.ts";

export type Mood = "busy" | "asks" | "done" | "failed" | "refused";

/** A call that a preliminary output shows is still running. */
export function moodOf(part: ToolPart): Mood {
  if (part.state === "output-available") return part.preliminary ? "busy" : "done";
  return MOODS[part.state];
}

const MOODS: Record<ToolState, Mood> = {
  "input-streaming": "busy",
  "input-available": "busy",
  "approval-requested": "asks",
  "approval-responded": "busy",
  "output-available": "done",
  "output-error": "failed",
  "output-denied": "refused",
};

/** The state in a word or two; colour only repeats it. */
export function stateWord(part: ToolPart): string {
  switch (part.state) {
    case "input-streaming":
      return "preparing";
    case "input-available":
      return "running";
    case "approval-requested":
      return "needs approval";
    case "approval-responded":
      return part.approval?.approved === false ? "denied" : "running";
    case "output-available":
      return part.preliminary ? "running" : "done";
    case "output-error":
      return "failed";
    case "output-denied":
      return "denied";
  }
}

/** The tool's name for people; of a call that is done in the past tense: "Inspect variable", "Inspected variable". */
export function titleOf(part: ToolPart): string {
  const title = part.title || humanised(toolNameOf(part));
  return moodOf(part) === "done" ? past(title) : title;
}

/** "Inspected 3 variables", "Ran code × 3" where there is no plural, "Ran 3 tools" where they are several. */
export function groupTitle(parts: readonly ToolPart[]): string {
  const count = parts.length;
  const first = parts[0] as ToolPart;
  if (parts.some((part) => toolNameOf(part) !== toolNameOf(first))) return `Ran ${count} tools`;
  const title = titleOf(first);
  if (count === 1) return title;
  const [verb, noun, ...more] = title.split(" ");
  const isCountable = noun && more.length === 0 && title !== (first.title || "") && !UNCOUNTABLE.test(noun);
  return isCountable ? `${verb} ${count} ${noun}s` : `${title} × ${count}`;
}

const UNCOUNTABLE = /^(?:code|data|help|history|.*s)$/i;

const IRREGULAR: Record<string, string> = {
  Find: "Found",
  Get: "Got",
  Make: "Made",
  Plot: "Plotted",
  Read: "Read",
  Run: "Ran",
  Send: "Sent",
  Write: "Wrote",
};
const REGULAR =
  /^(?:Add|Ask|Call|Change|Check|Compute|Count|Create|Delete|Describe|Edit|Explain|Fetch|Insert|Inspect|List|Load|Look|Open|Profile|Query|Replace|Search|Show|Summarise|Summarize|Test|Update|Use)$/;

/** Only verbs that are known: a tool's name need not begin with one. */
function past(title: string): string {
  const [verb = "", ...rest] = title.split(" ");
  const known = IRREGULAR[verb] ?? (REGULAR.test(verb) ? verb.replace(/e?$/, "ed").replace(/ryed$/, "ried") : verb);
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
  if (changesCell(part)) return String(inputOf(part).cell ?? "");
  if (code !== null) return code.includes("\n") ? counted(code.trimEnd().split("\n").length, "line") : code;
  const values = Object.values(inputOf(part)).filter((value) => typeof value === "string" || typeof value === "number");
  return values.slice(0, 2).map(String).join(", ").replace(/\s+/g, " ").slice(0, 80);
}
