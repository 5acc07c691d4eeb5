/** A question and its answer. */
import { useMemo } from "preact/hooks";
import { usageLine } from "../format.ts";
import { isDataPart, isToolPart, type UIMessage } from "../protocol-types.ts";
import type { RunState, Told } from "../run.ts";
import { modelReads, unreadable, Words } from "../strings.ts";
import { type RunStatus, TERMINAL, type Turn as TurnData } from "../view.ts";
import { moodOf } from "../words.ts";
import { useWidget } from "./context.ts";
import { Elapsed } from "./elapsed.tsx";
import { Icon, Spinner } from "./icons.tsx";
import { Late } from "./late.tsx";
import { File, Message } from "./message.tsx";

export function Turn({ turn }: { turn: TurnData }) {
  const { store } = useWidget();
  const run = store.run(turn);
  const status = store.status(turn);
  const answering = [...store.answering].join(); // cards in it follow what was answered
  const isLast = store.view.turns.at(-1) === turn; // which can be edited, unless the next one begins anew
  const key = `${run?.version} ${status} ${store.stopping} ${store.connection} ${isLast && store.view.divider} ${answering}`;
  // a run is changed in place, its version says when
  return useMemo(
    () => (
      <article class="cw-turn" aria-label={Words.Turn}>
        <Prompt turn={turn} />
        {run && <Message run={run} />}
        <Ending turn={turn} run={run} status={status} />
      </article>
    ),
    [turn, run, key, store.view.changes],
  );
}

export const textOf = (message: UIMessage): string =>
  message.parts
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n\n");

function Prompt({ turn }: { turn: TurnData }) {
  const message = turn.user;
  return (
    <div class="cw-prompt" data-part="prompt">
      <p dir="auto">{textOf(message)}</p>
      <Late view="PromptActions" turn={turn} />
      {message.parts.map((part, index) => {
        if (part.type === "file") {
          return <File key={index} mediaType={part.mediaType} url={part.url} name={part.filename ?? ""} />;
        }
        if (!isDataPart(part) || part.type !== "data-context") return null;
        const { name = "", text = "" } = (part.data ?? {}) as { name?: string; text?: string };
        return <Mention key={index} name={name} text={text} />;
      })}
    </div>
  );
}

/** What a mention stood for, as the model read it. */
function Mention({ name, text }: { name: string; text: string }) {
  return (
    <details class="cw-mention">
      <summary>
        <Icon name="chevron" /> {name}
      </summary>
      <pre class="cw-text cw-scroll" tabIndex={0} role="group" aria-label={modelReads(name)}>
        {text}
      </pre>
    </details>
  );
}

function Ending({ turn, run, status }: { turn: TurnData; run: RunState | undefined; status: RunStatus }) {
  if (!run?.ended) return <Activity turn={turn} run={run} status={status} />;
  const { metadata } = run;
  return (
    <>
      {run.failure && <ErrorBlock told={run.failure} />}
      {run.unreadable && <Notice text={unreadable(run.unreadable)} />}
      {metadata.limit?.message && <Notice text={sentences(metadata.limit)} />}
      <div class="cw-foot">
        <p class="cw-usage" data-usage>
          {status === "stopped" && (
            <strong>{metadata.status === "interrupted" ? Words.Interrupted : Words.Stopped} · </strong>
          )}
          {usageLine(metadata)}
        </p>
        <Late view="AnswerActions" turn={turn} />
      </div>
    </>
  );
}

/** What goes on, in a word, and for how long. */
function Activity({ turn, run, status }: { turn: TurnData; run: RunState | undefined; status: RunStatus }) {
  const { store } = useWidget();
  if (store.connection === "gone") return null;
  const isStopping = store.stopping !== "idle" && store.active?.id === turn.id;
  const isOver = TERMINAL.has(turn.status); // only its events are on their way
  const late = store.stopping === "late" ? Words.StopsLate : Words.Stopping;
  return (
    <p class="cw-activity">
      {status === "running" && <Spinner />}
      <span>{isStopping ? late : run?.notice || doing(run, status, isOver)}</span>
      {!isOver && <Elapsed span={run?.span} running />}
      {status === "queued" && (
        <button type="button" class="cw-button cw-quiet" onClick={() => void store.act("withdraw", turn)}>
          {Words.TakeBack}
        </button>
      )}
    </p>
  );
}

function doing(run: RunState | undefined, status: RunStatus, isOver: boolean): string {
  if (isOver) return Words.Loading;
  if (status === "queued") return Words.Queued;
  if (status === "waiting") return Words.AwaitsUser;
  const last = run?.message.parts.findLast((part) => part.type !== "step-start" && !isDataPart(part));
  if (!last) return Words.AwaitsModel;
  if (last.type === "reasoning") return Words.Thinking;
  return isToolPart(last) && moodOf(last) === "busy" ? Words.Working : Words.Generating;
}

const sentences = ({ message = "", hint = "" }: Told): string => [message, hint].filter(Boolean).join(" ");

export const Notice = ({ text }: { text: string }) => (
  <p class="cw-notice" dir="auto">
    {text}
  </p>
);

export const ErrorBlock = ({ told }: { told: Told }) => (
  <div class="cw-error" data-part="error" data-code={told.code}>
    <p class="cw-error-message" dir="auto">
      <Icon name="failed" />
      <span>
        <span class="cw-hidden">{`${Words.Error}: `}</span>
        {told.message}
      </span>
    </p>
    {told.hint && <p dir="auto">{told.hint}</p>}
  </div>
);
