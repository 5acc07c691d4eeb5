/** Where the user writes. Send gives way to Stop while a run goes on and nothing is written. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useWidget } from "./context.ts";
import { Icon } from "./icons.tsx";
import { textOf } from "./turn.tsx";

export function Composer() {
  const { store } = useWidget();
  const { draft } = store.view;
  const [text, setText] = useState(draft ?? "");
  const [seenDraft, setSeenDraft] = useState(draft);
  const box = useRef<HTMLTextAreaElement>(null);
  if (draft !== seenDraft) {
    setSeenDraft(draft);
    if (draft !== null) setText(draft);
  }

  const running = store.active !== undefined;
  const gone = store.connection === "gone";
  const hint = placeholder(gone, running, store.view.kind);
  useLayoutEffect(() => grow(box.current), [text, hint]);

  const send = () => {
    if (gone || text.trim() === "") return;
    void store.send(text);
    setText("");
  };
  const stop = () => {
    void store.stop();
    box.current?.focus({ preventScroll: true }); // the button goes; left on the page, keys would act on cells
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return; // an input method is at work: Enter is its
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && running) {
      event.preventDefault();
      void store.stop();
    } else if (event.key === "ArrowUp" && text === "") {
      const last = store.view.turns.at(-1);
      if (!last) return;
      event.preventDefault();
      setText(textOf(last.user));
    }
  };
  const offersStop = running && !gone && text.trim() === "";
  return (
    <div class={draft === null ? "cw-composer" : "cw-composer cw-draft"}>
      <textarea
        ref={box}
        rows={1}
        dir="auto"
        aria-label="Message"
        placeholder={hint}
        value={text}
        disabled={gone}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {offersStop ? (
        <button type="button" class="cw-button cw-stop" disabled={gone || store.stopping !== "idle"} onClick={stop}>
          <Icon name="stop" />
          Stop
        </button>
      ) : (
        <button type="button" class="cw-button cw-send" disabled={gone || text.trim() === ""} onClick={send}>
          <Icon name="send" />
          Send
        </button>
      )}
    </div>
  );
}

function placeholder(gone: boolean, running: boolean, kind: string): string {
  if (gone) return "Not connected";
  if (running) return "Queue a message…";
  return kind === "panel" ? "Ask, or @name for a variable…" : "Ask a follow-up…";
}

/** As high as its text, up to the style's max-height. */
function grow(box: HTMLTextAreaElement | null): void {
  if (!box) return;
  box.style.height = "auto";
  if (box.scrollHeight > 0) box.style.height = `${box.scrollHeight + 2}px`;
}
