/** The part of a view that scrolls. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Words } from "../strings.ts";
import { Icon } from "./icons.tsx";

/**
 * Follows the end of the transcript, but only for a reader who is there; and scrolls nothing but itself. What grows or
 * folds above the reader's place moves nothing there: the browser anchors the scroll position (see style.css).
 * `need` is what the user is waited for; `said` counts what they have sent: who sends something wants to see it.
 */
export function Log({ children, need, said }: { children: ComponentChildren; need: string | undefined; said: number }) {
  const element = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const place = useRef(0);
  const [isAway, setAway] = useState(false);
  const toEnd = () => {
    const log = element.current;
    if (log) log.scrollTop = log.scrollHeight;
  };
  const onScroll = () => {
    const log = element.current;
    if (!log) return;
    // What grows meanwhile leads away from the end as well: only who scrolls up has left it.
    if (log.scrollHeight - log.scrollTop - log.clientHeight < 24) follows.current = true;
    else if (log.scrollTop < place.current) follows.current = false;
    place.current = log.scrollTop;
    setAway(!follows.current);
  };
  useLayoutEffect(() => {
    if (element.current?.closest(".copilot-widget:focus-within")) follows.current = true;
  }, [said]);
  useLayoutEffect(() => {
    if (follows.current) toEnd();
  });
  useEffect(() => {
    const log = element.current;
    if (!log || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => follows.current && toEnd());
    observer.observe(log);
    if (log.firstElementChild) observer.observe(log.firstElementChild); // math and pictures come late
    return () => observer.disconnect();
  }, []);
  return (
    <div class="cw-log-box">
      <div
        class="cw-log"
        role="log"
        aria-live="off"
        aria-label={Words.Conversation}
        tabIndex={0}
        ref={element}
        onScroll={onScroll}
      >
        <div>{children}</div>
      </div>
      {isAway && (
        <button
          type="button"
          class="cw-latest"
          onClick={() => {
            follows.current = true;
            toEnd();
          }}
        >
          <Icon name="down" /> {need ?? Words.Latest}
        </button>
      )}
    </div>
  );
}
