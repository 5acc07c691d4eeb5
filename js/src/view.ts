/** What a widget shows besides its runs' messages, as the kernel states it. */
import type { UIMessage, UIMessageChunk } from "./protocol-types.ts";

export type RunStatus = "queued" | "running" | "waiting" | "completed" | "failed" | "stopped";

export interface Turn {
  id: string;
  run: string | null;
  user: UIMessage;
  status: RunStatus;
  /** Number of events that the run's log held when this was stated. */
  seq: number;
  /** True where the run goes on without this kernel. */
  elsewhere?: boolean;
  /** What begins anew with this turn: stands above it. */
  divider?: string;
}

export interface View {
  kind: "turn" | "panel";
  widget: string;
  thread: string;
  model: { name: string; badge: string; reason: string };
  turns: Turn[];
  draft: string | null;
  notice: string | null;
  /** A kept conversation that the user may go on with; `about` is in words. */
  earlier: { thread: string; title: string; about: string } | null;
  /** Models that are known without asking any server; none where the user chooses none. */
  models: string[];
  /** What an empty composer says. */
  placeholder: string;
  /** Changes of cells that this kernel can undo: run → call → what they are now. */
  changes: Record<string, Record<string, "done" | "undone">>;
  /** What will begin anew with the next turn: stands below the last one. */
  divider: string | null;
}

/** Events `from` to `to` of a run's log, both included; neighbouring deltas are merged, so it has fewer chunks. */
export interface Envelope {
  run: string;
  from: number;
  to: number;
  chunks: UIMessageChunk[];
  /** When each chunk's first event was logged, in epoch seconds; a replay has it, so that rows keep their times. */
  at?: number[];
}

export const TERMINAL: ReadonlySet<RunStatus> = new Set(["completed", "failed", "stopped"]);

const EMPTY: View = {
  kind: "turn",
  widget: "",
  thread: "",
  model: { name: "", badge: "", reason: "" },
  turns: [],
  draft: null,
  notice: null,
  earlier: null,
  models: [],
  placeholder: "",
  changes: {},
  divider: null,
};

/** A whole view of what the kernel stated, wholly or in part: `initial` may come from an older version. */
export function toView(stated: unknown, before: View = EMPTY): View {
  if (typeof stated !== "object" || stated === null) return before;
  const known = Object.entries(stated).filter(([key, value]) => key in EMPTY && value !== undefined);
  return { ...before, ...(Object.fromEntries(known) as Partial<View>) };
}

export function isEnvelope(message: unknown): message is Envelope {
  const { run, from, to, chunks } = (message ?? {}) as Partial<Envelope>;
  return typeof run === "string" && typeof from === "number" && typeof to === "number" && Array.isArray(chunks);
}
