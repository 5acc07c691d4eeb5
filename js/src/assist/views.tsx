/** Components that come with this part; they are drawn by the page's own Preact. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { copyText } from "../clipboard.ts";
import { useWidget } from "../components/context.ts";
import { keepFocus } from "../components/focus.ts";
import { Question } from "../components/question.tsx";
import { List } from "../components/records.tsx";
import { Sources } from "../components/sources.tsx";
import { Undo } from "../components/undo.tsx";
import { isDataPart, type UIMessage } from "../protocol-types.ts";
import type { Store } from "../store.ts";
import { dismiss, notPart, resume, Words } from "../strings.ts";
import { TERMINAL, type Turn } from "../view.ts";
import { Action } from "./action.tsx";
import type { Lent, MoreAnswersProps, NoteProps, TurnProps, Views } from "./assist.ts";
import { composerOf } from "./dom.ts";
import { HeaderActions } from "./header-actions.tsx";
import { lend } from "./lent.ts";

function Copy({ label, text }: { label: string; text: () => string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    setSaid((await copyText(text())) ? Words.Copied : Words.MayNotCopy);
    setTimeout(() => setSaid(""), 2_000);
  };
  return (
    <span class="cw-actions">
      <span role="status">{said}</span>
      <Action icon="copy" label={label} act={() => void copy()} />
    </span>
  );
}

function PromptActions({ turn }: TurnProps) {
  const { store } = useWidget();
  const canEdit = isLast(store, turn) && TERMINAL.has(store.status(turn));
  return (
    <span class="cw-actions">
      <Copy label={Words.CopyMessage} text={() => textOf(turn.user)} />
      {canEdit && <Action icon="edit" label={Words.EditMessage} act={() => store.edit(turn)} />}
    </span>
  );
}

function AnswerActions({ turn }: TurnProps) {
  const { store } = useWidget();
  const answer = () => textOf(store.run(turn)?.message);
  return (
    <span class="cw-actions">
      {answer() && <Copy label={Words.CopyAnswer} text={answer} />}
      {isLast(store, turn) && (
        <Action icon="again" label={Words.AnswerAgain} act={() => void store.act("regenerate", turn)} />
      )}
    </span>
  );
}

/** Notes that were brought into sight: one that is drawn again is where the reader has scrolled to. */
const shown = new WeakSet<NoteProps["note"]>();

function Note({ note, children }: NoteProps) {
  const { store } = useWidget();
  const element = useRef<HTMLElement>(null);
  const head = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (shown.has(note) || !element.current?.closest(".copilot-widget:focus-within")) return;
    shown.add(note);
    requestAnimationFrame(() => reveal(element, head)); // once the transcript has gone to its end
  }, []);
  const away = () => {
    keepFocus(element.current);
    store.dismissNote(note);
  };
  return (
    <section class="cw-note" aria-label={notPart(note.command)} ref={element}>
      <div class="cw-note-head" ref={head}>
        <code>{note.command}</code>
        <span class="cw-muted">{Words.NotPart}</span>
        <Action icon="close" label={dismiss(note.command)} act={away} />
      </div>
      {children}
    </section>
  );
}

/** Who asked for it sees it: all of it, or else its beginning. */
function reveal(...parts: { current: HTMLElement | null }[]): void {
  for (const { current } of parts) current?.scrollIntoView({ block: "nearest" });
}

/** After a restart: the notebook's last conversation is kept, and can be gone on with. */
function Earlier() {
  const { store } = useWidget();
  const { earlier } = store.view;
  const place = useRef<HTMLParagraphElement>(null);
  if (!earlier) return null;
  const reopen = (thread: string | null) => {
    composerOf(place.current)?.focus({ preventScroll: true }); // the offer goes
    store.reopen(thread);
  };
  return (
    <p class="cw-notice" dir="auto" ref={place}>
      {Words.EarlierKept}{" "}
      <button type="button" class="cw-button" onClick={() => reopen(earlier.thread)}>
        {resume(earlier.title, earlier.about)}
      </button>{" "}
      <button type="button" class="cw-button" onClick={() => reopen(null)}>
        {Words.NewConversation}
      </button>
    </p>
  );
}

const SCOPES = {
  run: Words.AllowRun,
  session: Words.AllowSession,
  same: Words.AllowSame,
} as const;

/** What an approval's card offers besides Deny and Allow once. */
function MoreAnswers({ edit, allow, busy, reason, setReason }: MoreAnswersProps) {
  const scopes = Object.keys(SCOPES) as (keyof typeof SCOPES)[];
  return (
    <details class="cw-approval-more">
      <summary>{Words.MoreAnswers}</summary>
      <div class="cw-approval-buttons">
        {edit && (
          <button type="button" class="cw-button" onClick={edit}>
            {Words.EditCode}
          </button>
        )}
        {allow &&
          scopes.map((scope) => (
            <button type="button" class="cw-button" key={scope} aria-disabled={busy} onClick={() => allow(scope)}>
              {SCOPES[scope]}
            </button>
          ))}
      </div>
      <label class="cw-approval-reason">
        <span>{Words.WhyDenied}</span>
        <input type="text" dir="auto" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
    </details>
  );
}

const all: Views = {
  HeaderActions,
  MoreAnswers,
  PromptActions,
  AnswerActions,
  Note,
  Earlier,
  Question,
  Undo,
  List,
  Sources,
};

export function views(lent: Lent): Views {
  lend(lent);
  return all;
}

/** The last turn can be changed, where there is somebody to ask, and the next one does not begin anew below it. */
const isLast = (store: Store, turn: Turn): boolean =>
  store.view.turns.at(-1)?.id === turn.id && store.connection !== "gone" && !store.view.divider;

const textOf = (message?: UIMessage): string =>
  (message?.parts ?? []).flatMap((part) => (!isDataPart(part) && part.type === "text" ? [part.text] : [])).join("\n\n");
