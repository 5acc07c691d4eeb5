/**
 * The turns of a conversation, in bundles: those that are over cost nothing while the last one streams, and a long
 * conversation is drawn from its end, a bundle at a time, so that no drawing blocks the page: what a reader sees first,
 * and the rest as far as it is scrolled to.
 */
import { Component, Fragment } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Store } from "../store.ts";
import { earlierTurns } from "../strings.ts";
import type { Turn as TurnData, View } from "../view.ts";
import { useWidget } from "./context.ts";
import { Divider, Notes } from "./note.tsx";
import { Turn } from "./turn.tsx";

const SIZE = 4; // turns
/** Bundles that are drawn for a reader who scrolls nowhere: the search of the browser finds what is in them. */
const FIRST = 25;
/** Milliseconds that a bundle is waited for whose events are still on their way. */
const PATIENCE = 3_000;

export function Turns({ turns }: { turns: TurnData[] }) {
  const { store } = useWidget();
  const bundles: TurnData[][] = [];
  for (let at = 0; at < turns.length; at += SIZE) bundles.push(turns.slice(at, at + SIZE));
  const [drawn, setDrawn] = useState(1); // of the bundles, from the end
  const next = bundles[bundles.length - drawn - 1];
  const isHere = next?.every((turn) => isLoaded(store, turn));
  const top = useRef<HTMLParagraphElement>(null);
  const [isNear, setNear] = useState(false); // of what is drawn, the beginning
  useEffect(() => {
    if (!top.current) return;
    const near = ([entry]: IntersectionObserverEntry[]) => setNear(entry?.isIntersecting === true);
    const observer = new IntersectionObserver(near, { root: top.current.closest(".cw-log"), rootMargin: "900px" });
    observer.observe(top.current);
    return () => observer.disconnect();
  }, [drawn, next === undefined]);
  const isWanted = next && (drawn < FIRST || isNear);
  useEffect(() => {
    if (!isWanted) return;
    const timer = setTimeout(() => setDrawn((count) => Math.max(count, drawn + 1)), isHere ? 0 : PATIENCE);
    return () => clearTimeout(timer);
  }, [drawn, isWanted, isHere]);
  const notes = store.notes.map(({ id }) => id);
  const common = `${store.stopping} ${store.connection} ${[...store.answering].join()} ${notes} ${store.view.divider}`;
  const last = turns.at(-1)?.id; // which alone can be edited: the turn before it draws anew, too
  return (
    <>
      {next && (
        <p ref={top} class="cw-muted">
          {earlierTurns((bundles.length - drawn) * SIZE)}
        </p>
      )}
      {bundles.map((bundle, index) =>
        bundles.length - index > drawn ? null : (
          <Bundle
            key={index}
            turns={bundle}
            isOld={index < bundles.length - 2}
            version={`${common} ${versions(store, bundle)} ${index < bundles.length - 2 ? "" : last}`}
            changes={store.view.changes}
          />
        ),
      )}
    </>
  );
}

const isLoaded = (store: Store, turn: TurnData): boolean =>
  turn.run === null || (store.run(turn)?.cursor ?? 0) >= turn.seq;

/** Versions only grow, so their sum tells whether any has changed. */
function versions(store: Store, turns: TurnData[]): number {
  let sum = 0;
  for (const turn of turns) sum += store.run(turn)?.version ?? 0;
  return sum;
}

interface Props {
  turns: TurnData[];
  /** Far from the end: laid out only in sight. A short conversation's height must not be a guess. */
  isOld: boolean;
  version: string;
  /** What can be undone; the kernel states it anew where it changes. */
  changes: View["changes"];
}

class Bundle extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { turns, version, isOld, changes } = this.props;
    return (
      next.version !== version ||
      next.isOld !== isOld ||
      next.changes !== changes ||
      next.turns.length !== turns.length ||
      next.turns.some((turn, index) => turn !== turns[index])
    );
  }

  override render({ turns, isOld }: Props) {
    return (
      <div class={isOld ? "cw-turns cw-old" : "cw-turns"}>
        {turns.map((turn) => (
          <Fragment key={turn.id}>
            {turn.divider && <Divider text={turn.divider} />}
            <Turn turn={turn} />
            <Notes after={turn.id} />
          </Fragment>
        ))}
      </div>
    );
  }
}
