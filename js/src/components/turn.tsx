/** A question and its answer. */
import { useMemo } from "preact/hooks";
import { usageLine } from "../format.ts";
import { isDataPart, type UIMessage } from "../protocol-types.ts";
import type { RunState, Told } from "../run.ts";
import type { RunStatus, Turn as TurnData } from "../view.ts";
import { useWidget } from "./context.ts";
import { Elapsed } from "./elapsed.tsx";
import { Icon, Spinner } from "./icons.tsx";
import { File, Message } from "./message.tsx";

export function Turn({ turn }: { turn: TurnData }) {
  const { store } = useWidget();
  const run = store.run(turn);
  const status = store.status(turn);
  const answering = [...store.answering].join(); // cards in it follow what was answered
  const key = `${run?.version} ${status} ${store.stopping} ${store.connection} ${answering}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a run is changed in place, its version says when
  return useMemo(
    () => (
      <article class="cw-turn" aria-label="Turn">
        <Prompt message={turn.user} />
        {run && <Message run={run} />}
        <Ending turn={turn} run={run} status={status} />
      </article>
    ),
    [turn, run, key],
  );
}

export const textOf = (message: UIMessage): string =>
  message.parts
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n\n");

function Prompt({ message }: { message: UIMessage }) {
  return (
    <div class="cw-prompt" data-part="prompt">
      <p dir="auto">{textOf(message)}</p>
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
      <pre class="cw-text cw-scroll" tabIndex={0} role="region" aria-label={`What the model reads of ${name}`}>
        {text}
      </pre>
    </details>
  );
}

function Ending({ turn, run, status }: { turn: TurnData; run: RunState | undefined; status: RunStatus }) {
  if (!run || !run.ended) return <Activity turn={turn} run={run} status={status} />;
  const { metadata } = run;
  return (
    <>
      {run.failure && <ErrorBlock told={run.failure} />}
      {run.unreadable && <Notice text={`A part of this answer could not be read: ${run.unreadable}`} />}
      {metadata.limit?.message && <Notice text={sentences(metadata.limit)} />}
      <p class="cw-usage" data-usage>
        {status === "stopped" && <strong>stopped · </strong>}
        {usageLine(metadata)}
      </p>
    </>
  );
}

/** What goes on while nothing else shows it. */
function Activity({ turn, run, status }: { turn: TurnData; run: RunState | undefined; status: RunStatus }) {
  const { store } = useWidget();
  const last = run?.message.parts.findLast((part) => part.type !== "step-start" && !isDataPart(part));
  const isLive = last !== undefined && "state" in last && /^(streaming|input-)/.test(last.state ?? "");
  const isStopping = store.stopping !== "idle" && store.active?.id === turn.id;
  let text = run?.notice ?? "";
  if (isStopping) text = store.stopping === "late" ? "Stop takes effect when the cell ends" : "stopping";
  else if (store.connection === "gone")
    text = "The kernel is gone; this run ended with it or goes on without this page";
  else if (status === "queued") text = "queued";
  else if (status === "waiting") text ||= "waiting for your answer";
  else if (!text && isLive) text = "";
  else text ||= last === undefined ? "waiting for the model" : "working";
  return (
    <p class="cw-activity">
      {text && (
        <>
          {store.connection !== "gone" && status !== "waiting" && <Spinner />}
          <span>{text}</span>
        </>
      )}
      <Elapsed span={run?.span} running={store.connection !== "gone"} />
    </p>
  );
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
        <span class="cw-hidden">Error: </span>
        {told.message}
      </span>
    </p>
    {told.hint && <p dir="auto">{told.hint}</p>}
  </div>
);
