/** A view of a widget: header, transcript, composer. */
import { useEffect, useReducer, useRef } from "preact/hooks";
import { frames } from "../frames.ts";
import { Composer } from "./composer.tsx";
import { useWidget } from "./context.ts";
import { Log } from "./log.tsx";
import { Notice } from "./turn.tsx";
import { Turns } from "./turns.tsx";

export function App() {
  const { store } = useWidget();
  const [, redraw] = useReducer<number, undefined>((count) => count + 1, 0);
  useEffect(() => frames(store, () => redraw(undefined)), [store]);
  const { view } = store;
  const asking = view.turns.find((turn) => store.status(turn) === "waiting");
  const isEmpty = view.turns.length + store.sending.length + view.queued.length === 0;
  return (
    <>
      <Header />
      {isEmpty && view.kind === "panel" && view.model.reason && (
        <p class="cw-empty">
          {view.model.name}: {view.model.reason}
        </p>
      )}
      <Log need={asking && (store.run(asking)?.need ?? "approval needed")}>
        <Turns turns={view.turns} />
        {store.sending.map((sending, index) => (
          <div key={index} class="cw-prompt cw-sending">
            <p dir="auto">{sending.text}</p>
            {sending.error && (
              <p class="cw-problem">
                {sending.error.message} {sending.error.hint}{" "}
                <button type="button" class="cw-button" onClick={() => store.dismiss(sending)}>
                  Dismiss
                </button>
              </p>
            )}
          </div>
        ))}
        {view.queued.map((queued) => (
          <div key={queued.id} class="cw-prompt cw-sending">
            <p dir="auto">{queued.text}</p>
            <p class="cw-muted">queued</p>
          </div>
        ))}
      </Log>
      {view.earlier && store.connection !== "gone" && <Earlier />}
      {view.notice && <Notice text={view.notice} />}
      {store.connection === "reconnecting" && (
        <Notice text="The connection to the kernel is interrupted; trying again." />
      )}
      {store.connection === "gone" && <Notice text={store.elsewhere.length > 0 ? GOES_ON : ENDED} />}
      <Composer />
      <LiveRegion />
    </>
  );
}

/** After a restart: the notebook's last conversation is kept, and can be gone on with. */
function Earlier() {
  const { store } = useWidget();
  const { earlier } = store.view;
  if (!earlier) return null;
  return (
    <p class="cw-notice" dir="auto">
      An earlier conversation of this notebook is kept. The variables of its kernel are gone.{" "}
      <button type="button" class="cw-button" onClick={() => store.reopen(earlier.thread)}>
        Resume: {earlier.title} · {earlier.about}
      </button>{" "}
      <button type="button" class="cw-button" onClick={() => store.reopen(null)}>
        New conversation
      </button>
    </p>
  );
}

const ENDED = "The kernel was restarted or closed: this conversation cannot go on here. Run the cell again.";
const GOES_ON =
  "The kernel was restarted or closed, but this run goes on elsewhere. Run %load_ext copilot_widget to follow it here.";

function Header() {
  const { model } = useWidget().store.view;
  return (
    <div class="cw-header" title={model.reason}>
      <span class="cw-brand">copilot</span>
      {model.name && <span class="cw-model">{model.name}</span>}
      {model.badge && <span class="cw-badge">{model.badge}</span>}
    </div>
  );
}

const ANNOUNCEMENTS: Record<string, string> = {
  running: "generating",
  completed: "complete",
  failed: "stopped",
  stopped: "stopped",
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
