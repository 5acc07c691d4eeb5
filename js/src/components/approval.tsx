/** The question before a call that acts. It never takes the focus: a stray Enter must not allow anything. */
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { type ToolPart, toolNameOf } from "../protocol-types.ts";
import type { ApprovalCard, RunState } from "../run.ts";
import { titleOf } from "../words.ts";
import { Arguments } from "./arguments.tsx";
import { Code } from "./code.tsx";
import { useWidget } from "./context.ts";
import { Icon } from "./icons.tsx";

export function Approval({ run, part }: { run: RunState; part: ToolPart }) {
  const { store } = useWidget();
  const problem = useId();
  const id = part.approval?.id ?? "";
  const state = store.answering.get(id); // undefined: not answered; "": on its way; else what went wrong
  const busy = state === "" || store.connection === "gone";
  const card = run.approvalCard(part);
  const title = card.title || titleOf(part);
  const answer = (approved: boolean) => {
    if (!busy) void store.approve(run.id, id, approved);
  };
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => () => keepFocus(element.current), []);
  return (
    <div ref={element} class="cw-approval" role="group" aria-label={`Approval needed: ${title}`}>
      <p class="cw-approval-title">
        <Icon name="asks" />
        <span dir="auto">Allow: {title.replace(/\?$/, "")}?</span>
      </p>
      {part.approval?.requestReason && <p class="cw-muted">{part.approval.requestReason}</p>}
      <What part={part} card={card} />
      <div class="cw-approval-buttons">
        {state && (
          <span id={problem} class="cw-problem">
            {state}
          </span>
        )}
        <button type="button" class="cw-button" aria-disabled={busy} onClick={() => answer(false)}>
          Deny
        </button>
        <button type="button" class="cw-button cw-primary" aria-disabled={busy} onClick={() => answer(true)}>
          Allow once
        </button>
      </div>
    </div>
  );
}

/** A card that goes with the focus in it leaves that to its transcript, not to the page, where keys act on cells. */
function keepFocus(card: HTMLElement | null): void {
  if (card?.contains(document.activeElement)) card.closest<HTMLElement>("[role=log]")?.focus({ preventScroll: true });
}

/** Exactly what will happen: the change or the code, and every argument that neither of them shows. */
function What({ part, card }: { part: ToolPart; card: ApprovalCard }) {
  const isCall = card.code?.startsWith(`${toolNameOf(part)}(`) && card.code.endsWith(")"); // says every argument
  return (
    <>
      {!isCall && <Arguments part={part} insertable={false} shown={[card.diff, card.code].filter(Boolean)} />}
      {card.diff && <Code code={card.diff} language="diff" />}
      {card.code && <Code code={card.code} language={card.language || "python"} insertable={false} />}
    </>
  );
}
