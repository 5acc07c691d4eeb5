/** What a change of a cell offers, as long as the kernel knows it. */
import { useState } from "preact/hooks";
import type { ToolPart } from "../protocol-types.ts";
import type { RunState } from "../run.ts";
import { Words } from "../strings.ts";
import { useWidget } from "./context.ts";

export function Undo({ run, part }: { run: RunState; part: ToolPart }) {
  const { store, services } = useWidget();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const state = store.view.changes[run.id]?.[part.toolCallId];
  if (!state || !services.undo || store.connection === "gone") return null;
  const act = async () => {
    if (busy) return;
    setBusy(true);
    setProblem((await services.undo?.(run.id, part.toolCallId)) ?? "");
    setBusy(false);
  };
  return (
    <p class="cw-undo">
      {problem ? <span class="cw-problem">{problem}</span> : state === "undone" && <span>{Words.Undone}</span>}
      <button type="button" class="cw-button cw-quiet" aria-disabled={busy} onClick={act}>
        {state === "undone" ? Words.Redo : Words.Undo}
      </button>
    </p>
  );
}
