/** What can be done with a conversation, at the end of its header: what slash commands do, for who does not know them. */
import { useRef, useState } from "preact/hooks";
import { useWidget } from "../components/context.ts";
import { Words } from "../strings.ts";
import { Action } from "./action.tsx";
import { composerOf } from "./dom.ts";

const BARS = {
  export: {
    label: Words.ExportThis,
    says: Words.ExportAs,
    commands: {
      "/export .md": Words.ExportMarkdown,
      "/export .html": Words.ExportHtml,
      "/export .ipynb": Words.ExportNotebook,
      "/export .json": Words.ExportJson,
    },
  },
  more: {
    label: Words.MoreActions,
    says: null,
    commands: {
      "/new": Words.NewConversation,
      "/history": Words.History,
      "/context": Words.Context,
      "/usage": Words.Usage,
      "/tools": Words.Tools,
      "/compact": Words.Compact,
      "/clear": Words.Clear,
      "/help": Words.Help,
    },
  },
};

type Name = keyof typeof BARS;

export function HeaderActions() {
  const { store } = useWidget();
  const [open, setOpen] = useState<Name | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const gone = store.connection === "gone";
  /** Who had the focus in the bar has it on its button again: left on the page, keys would act on cells. */
  const close = () => {
    place.current?.querySelector<HTMLElement>("[aria-expanded=true]")?.focus({ preventScroll: true });
    setOpen(null);
  };
  const choose = (command: string) => {
    close();
    if (command === "/new" && store.view.earlier)
      store.reopen(null); // the offer's own button says the same
    else store.give(command === "/context" ? `/context ${written(place.current)}`.trim() : command);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    close();
  };
  const bar = open && !gone && BARS[open];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc closes what its buttons have opened
    <div ref={place} onKeyDown={onKeyDown}>
      <div class="cw-header-actions">
        {(Object.keys(BARS) as Name[]).map((name) => (
          <Action
            key={name}
            icon={name}
            label={BARS[name].label}
            expanded={open === name}
            disabled={gone}
            act={() => setOpen(open === name ? null : name)}
          />
        ))}
      </div>
      {bar && (
        <fieldset class="cw-bar" aria-label={bar.label}>
          {bar.says && <span class="cw-muted">{bar.says}</span>}
          {Object.entries(bar.commands).map(([command, words]) => (
            <button type="button" class="cw-button" key={command} title={command} onClick={() => choose(command)}>
              {words}
            </button>
          ))}
        </fieldset>
      )}
    </div>
  );
}

/** What the composer holds, unless that is a command. */
function written(place: HTMLElement | null): string {
  const text = composerOf(place)?.value.trim() ?? "";
  return text.startsWith("/") ? "" : text;
}
