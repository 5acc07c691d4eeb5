/** A view of a widget: header, transcript, composer. */
import { useEffect, useReducer, useRef } from "preact/hooks";
import { frames } from "../frames.ts";
import { Words } from "../strings.ts";
import { Composer } from "./composer.tsx";
import { useWidget } from "./context.ts";
import { keepFocus } from "./focus.ts";
import { Header } from "./header.tsx";
import { Late } from "./late.tsx";
import { Log } from "./log.tsx";
import { Divider, Notes } from "./note.tsx";
import { Notice } from "./turn.tsx";
import { Turns } from "./turns.tsx";

export function App() {
  const { store } = useWidget();
  const [, redraw] = useReducer<number, undefined>((count) => count + 1, 0);
  useEffect(() => frames(store, () => redraw(undefined)), [store]);
  const { view } = store;
  const asking = view.turns.find((turn) => store.status(turn) === "waiting");
  const isEmpty = view.turns.length + store.sending.length + store.notes.length === 0;
  return (
    <>
      <Header />
      {isEmpty && view.kind === "panel" && view.model.reason && (
        <p class="cw-empty">
          {view.model.name}: {view.model.reason}
        </p>
      )}
      <Log need={asking && (store.run(asking)?.need ?? Words.ApprovalNeeded)} said={store.sent}>
        <Notes after="" />
        <Turns turns={view.turns} />
        {view.divider && <Divider text={view.divider} />}
        {store.sending.map((sending, index) => (
          <div key={index} class="cw-prompt cw-sending">
            <p dir="auto">{sending.text}</p>
            {sending.error && (
              <p class="cw-problem">
                {sending.error.message} {sending.error.hint}{" "}
                <button
                  type="button"
                  class="cw-button"
                  onClick={(event) => {
                    keepFocus(event.currentTarget);
                    store.dismiss(sending);
                  }}
                >
                  {Words.Dismiss}
                </button>
              </p>
            )}
          </div>
        ))}
      </Log>
      {view.earlier && store.connection !== "gone" && <Late view="Earlier" />}
      {view.notice && <Notice text={view.notice} />}
      {store.connection === "reconnecting" && <Notice text={Words.Reconnecting} />}
      {store.connection === "gone" && (
        <Notice text={store.elsewhere.length > 0 ? Words.RunGoesOn : Words.ConversationGone} />
      )}
      <Composer />
      <LiveRegion />
    </>
  );
}

const ANNOUNCEMENTS: Record<string, string> = {
  running: Words.Generating,
  completed: Words.Complete,
  failed: Words.Ended,
  stopped: Words.Ended,
};

/** The only thing a screen reader hears by itself. What was over before this view began is not news. */
function LiveRegion() {
  const { store } = useWidget();
  const watched = useRef(new Set<string>());
  if (store.active) watched.current.add(store.active.id);
  const turn = store.active ?? store.view.turns.at(-1);
  const isNews = turn !== undefined && watched.current.has(turn.id);
  const status = turn && store.status(turn);
  const said = status && (status === "waiting" ? store.run(turn)?.need : ANNOUNCEMENTS[status]);
  return (
    <div class="cw-hidden" aria-live="polite">
      {isNews ? (said ?? "") : ""}
    </div>
  );
}
