/** Where the user writes. Send gives way to Stop while a run goes on and nothing is written. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Assist, AssistModule, Item } from "../assist/assist.ts";
import { withAsset } from "../markdown/services.ts";
import { Words } from "../strings.ts";
import { useWidget } from "./context.ts";
import { Icon } from "./icons.tsx";
import { textOf } from "./turn.tsx";

export function Composer() {
  const { store } = useWidget();
  const { draft } = store.view;
  const { editing } = store;
  const given = editing ? textOf(editing.user) : draft;
  const [text, setText] = useState(given ?? "");
  const [seen, setSeen] = useState(given);
  const [, setCount] = useState(0);
  const box = useRef<HTMLTextAreaElement>(null);
  if (given !== seen) {
    setSeen(given);
    if (given !== null || seen !== null) setText(given ?? "");
  }
  const help = useAssist(box, setText, () => setCount((count) => count + 1));
  useEffect(() => {
    help.use((assist) => assist.edit(editing?.user));
    if (!editing) return;
    box.current?.focus({ preventScroll: true }); // the user pressed Edit
    box.current?.scrollIntoView({ block: "nearest" });
  }, [editing]);

  const running = store.active !== undefined;
  const gone = store.connection === "gone";
  const hint = gone ? Words.NotConnected : running ? Words.AskNext : store.view.placeholder;
  useLayoutEffect(() => grow(box.current), [text, hint]);

  const count = help.assist.current?.count ?? 0;
  const isEmpty = text.trim() === "" && count === 0;
  const send = () => {
    if (gone || isEmpty) return;
    help.assist.current?.close();
    const files = count > 0 ? help.assist.current?.take() : undefined;
    void store.send(text, files?.sent).then((isSent) => isSent || files?.giveBack());
    setText("");
  };
  const stop = () => {
    void store.stop();
    box.current?.focus({ preventScroll: true }); // the button goes; left on the page, keys would act on cells
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return; // an input method is at work: Enter is its
    if (help.assist.current?.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && (editing || running)) {
      event.preventDefault();
      if (editing) store.edit(null);
      else void store.stop();
    }
  };
  /** Files that are pasted or dropped, also before the part has come. */
  const onFiles = (event: Event, data: DataTransfer | null) => {
    const files = [...(data?.files ?? [])];
    if (gone || files.length === 0) return;
    event.preventDefault();
    help.use((assist) => assist.add(files));
  };
  const onDragOver = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // the page would open what is dropped
  };
  const offersStop = running && !gone && isEmpty;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be dropped here; the button does the same by keyboard
    <div
      class={draft === null ? "cw-composer" : "cw-composer cw-draft"}
      onDragOver={onDragOver}
      onDrop={(event) => onFiles(event, event.dataTransfer)}
    >
      <div class="cw-place" ref={help.menu} />
      {editing && (
        <p class="cw-place cw-muted">
          {Words.Editing}{" "}
          <button type="button" class="cw-button cw-quiet" onClick={() => store.edit(null)}>
            {Words.Cancel}
          </button>
        </p>
      )}
      <div class="cw-place" ref={help.chips} />
      <textarea
        ref={box}
        rows={1}
        dir="auto"
        aria-label={Words.Message}
        aria-autocomplete="list"
        aria-haspopup="listbox"
        placeholder={hint}
        value={text}
        disabled={gone}
        onFocus={() => help.use()} // should it have failed to come
        onPaste={(event) => hasText(event.clipboardData) || onFiles(event, event.clipboardData)}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {help.assist.current && (
        <button
          type="button"
          class="cw-icon-button"
          aria-label={Words.AttachFiles}
          title={Words.AttachFiles}
          disabled={gone}
          onClick={() => help.use((assist) => assist.browse())}
        >
          <Icon name="attach" />
        </button>
      )}
      {offersStop ? (
        <button type="button" class="cw-button cw-stop" disabled={gone || store.stopping !== "idle"} onClick={stop}>
          <Icon name="stop" />
          {Words.Stop}
        </button>
      ) : (
        <button type="button" class="cw-button cw-send" disabled={gone || isEmpty} onClick={send}>
          <Icon name="send" />
          {Words.Send}
        </button>
      )}
    </div>
  );
}

/** The part that completes and attaches: fetched when it is first needed, and made for this box once. */
function useAssist(box: { current: HTMLTextAreaElement | null }, setText: (text: string) => void, changed: () => void) {
  const { store, services } = useWidget();
  const assist = useRef<Assist | null>(null);
  const menu = useRef<HTMLDivElement>(null);
  const chips = useRef<HTMLDivElement>(null);
  useEffect(() => {
    use(changed); // nobody waits for it yet; once it is here it attaches and completes
    return () => assist.current?.end();
  }, []);
  const begin = (module: AssistModule): Assist | null => {
    if (assist.current || !box.current || !menu.current || !chips.current) return assist.current;
    assist.current = module.assist({
      box: box.current,
      menu: menu.current,
      chips: chips.current,
      complete: async (text, cursor) =>
        ((await store.command("complete", { text, cursor })) as { items?: Item[] }).items ?? [],
      upload: (upload, at, data) => store.command("upload", { upload, at, data }),
      write(text, caret) {
        setText(text);
        if (!box.current) return;
        box.current.value = text; // the caret can only stand in what is there
        box.current.setSelectionRange(caret, caret);
      },
      changed,
      said: () => [...store.view.turns.map((turn) => textOf(turn.user)), ...store.typed],
    });
    return assist.current;
  };
  const use = (act?: (assist: Assist) => void) =>
    withAsset<AssistModule>("assist.js", services, (module) => {
      const made = begin(module);
      if (made) act?.(made);
    });
  return { assist, menu, chips, use };
}

/** Excel puts a picture of the cells beside their text, which is what is meant; macOS puts a file's name beside the file. */
function hasText(data: DataTransfer | null): boolean {
  const text = data?.getData("text/plain").trim();
  return !!text && ![...(data?.files ?? [])].some(({ name }) => text.includes(name));
}

/** As high as its text, up to the style's max-height. */
function grow(box: HTMLTextAreaElement | null): void {
  if (!box) return;
  box.style.height = "auto";
  if (box.scrollHeight > 0) box.style.height = `${box.scrollHeight + 2}px`;
}
