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

export const titleOf = (part: ToolPart): string => part.title || humanised(toolNameOf(part));

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

/** The code of a call that takes some, else null. */
export function codeOf(part: ToolPart): string | null {
  const { code } = inputOf(part);
  return typeof code === "string" ? code : null;
}

/** What a row says of a call's arguments: "df", "3 lines". */
export function detailOf(part: ToolPart): string {
  const code = codeOf(part);
  if (code !== null) return code.includes("\n") ? counted(code.trimEnd().split("\n").length, "line") : code;
  const values = Object.values(inputOf(part)).filter((value) => typeof value === "string" || typeof value === "number");
  return values.slice(0, 2).map(String).join(", ").replace(/\s+/g, " ").slice(0, 80);
}
