/** The question before a call that acts. It never takes the focus: a stray Enter must not allow anything. */
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type ToolPart, toolNameOf } from "../protocol-types.ts";
import type { ApprovalCard, RunState } from "../run.ts";
import type { AnswerOptions } from "../store.ts";
import { allow, approvalNeeded, Words } from "../strings.ts";
import { visible } from "../visible.ts";
import { inputOf, titleOf } from "../words.ts";
import { Arguments } from "./arguments.tsx";
import { Code } from "./code.tsx";
import { useWidget } from "./context.ts";
import { keepFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { Late } from "./late.tsx";

export function Approval({ run, part }: { run: RunState; part: ToolPart }) {
  const { store } = useWidget();
  const problem = useId();
  const [edited, setEdited] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const id = part.approval?.id ?? "";
  const state = store.answering.get(id); // undefined: not answered; "": on its way; else what went wrong
  const busy = state === "" || store.connection === "gone";
  const card = run.approvalCard(part);
  const title = visible(card.title || titleOf(part));
  const field = editable(part, card);
  const answer = (approved: boolean, more: AnswerOptions = {}) => {
    if (busy) return;
    const changed = approved && field && edited !== null && { input: { ...(part.input as object), [field]: edited } };
    const why = !approved && reason.trim() !== "" && { reason: reason.trim() };
    const digest = card.digest !== undefined && { digest: card.digest };
    void store.approve(run.id, id, approved, { ...more, ...digest, ...changed, ...why });
  };
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => () => keepFocus(element.current), []);
  const act = (label: string, approved: boolean, more?: AnswerOptions) => (
    <button type="button" class="cw-button" aria-disabled={busy} onClick={() => answer(approved, more)}>
      {label}
    </button>
  );
  return (
    <div ref={element} class="cw-approval" role="group" aria-label={approvalNeeded(title)}>
      <p class="cw-approval-title">
        <Icon name="asks" />
        <span dir="auto">{allow(title.replace(/\?$/, ""))}</span>
      </p>
      {part.approval?.requestReason && <p class="cw-muted">{visible(part.approval.requestReason)}</p>}
      <What part={part} card={card} edited={edited} onEdit={setEdited} />
      <div class="cw-approval-buttons">
        {state && (
          <span id={problem} class="cw-problem">
            {state}
          </span>
        )}
        {act(Words.Deny, false)}
        <button type="button" class="cw-button cw-primary" aria-disabled={busy} onClick={() => answer(true)}>
          {Words.AllowOnce}
        </button>
      </div>
      <Late
        view="MoreAnswers"
        edit={
          field && edited === null ? () => setEdited(visible(String(card.code || inputOf(part)[field] || ""))) : null
        }
        allow={edited === null ? (scope) => answer(true, { scope }) : null}
        busy={busy}
        reason={reason}
        setReason={setReason}
      />
    </div>
  );
}

/** The argument that the card shows as code, or as a diff: the user may change it before allowing. */
function editable(part: ToolPart, card: ApprovalCard): string | undefined {
  if (card.edits) return card.edits;
  if (!card.code || typeof part.input !== "object" || part.input === null) return undefined;
  return Object.entries(part.input).find(([, value]) => value === card.code)?.[0];
}

/** The arguments of which the diff shows every line; those of one line say which place, and stay. */
function inDiff(part: ToolPart, diff: string | undefined): string[] {
  if (!diff || typeof part.input !== "object" || part.input === null) return [];
  const lines = new Set(diff.split("\n").map((line) => line.slice(1)));
  const texts = Object.values(part.input).filter((value): value is string => typeof value === "string");
  return texts.filter(
    (text) => text.includes("\n") && text.split("\n").every((line) => line === "" || lines.has(line)),
  );
}

interface WhatProps {
  part: ToolPart;
  card: ApprovalCard;
  edited: string | null;
  onEdit: (text: string) => void;
}

/** Exactly what will happen: the change or the code, and every argument that neither of them shows. */
function What({ part, card, edited, onEdit }: WhatProps) {
  const { code } = card;
  const box = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => box.current?.focus({ preventScroll: true }), [edited === null]); // the user pressed Edit
  const isCall = code?.startsWith(`${toolNameOf(part)}(`) && code.endsWith(")") && !code.includes("…"); // every argument, whole
  const inCard = card.diff && card.edits ? [inputOf(part)[card.edits]] : inDiff(part, card.diff);
  const shown = [card.diff, card.code, ...inCard].filter(Boolean);
  return (
    <>
      {!isCall && <Arguments part={part} insertable={false} shown={shown} />}
      {card.diff && !(card.edits && edited !== null) && <Code code={card.diff} language="diff" />}
      {card.code && edited === null && (
        <Code code={card.code} language={card.language || "python"} insertable={false} />
      )}
      {edited !== null && (
        <textarea
          ref={box}
          class="cw-approval-edit"
          aria-label={card.edits ? Words.TextInstead : Words.CodeInstead}
          spellcheck={false}
          rows={Math.min(16, edited.split("\n").length + 1)}
          value={edited}
          onInput={(event) => onEdit(event.currentTarget.value)}
        />
      )}
    </>
  );
}
