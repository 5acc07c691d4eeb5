/** The menu for @mentions and slash commands: what the kernel knows can stand at the caret. */
import { Words } from "../strings.ts";
import type { Item, Place } from "./assist.ts";
import { Listbox } from "./listbox.ts";

/** Texts before the caret at whose end something is offered. A name may hold blanks between quotes. */
const MENTION = /(?:^|[^\w@.\\/])@(?:[^\s"']|"[^"\n]*(?:"|$)|'[^'\n]*(?:'|$))*$/;
const COMMAND = /^\s*\/[\w-]*(?:\s+\S*)?$/;

/** Kinds after which nothing is offered any more until the user types on. */
const GOES_ON = /^(?:folder|mention)$/;

export class Menu {
  readonly #place: Place;
  readonly #list: Listbox;
  #items: readonly Item[] = [];
  #asked = 0;
  /** Esc closes it for the word at the caret. */
  #dismissed = false;

  constructor(place: Place) {
    this.#place = place;
    this.#list = new Listbox(place.box, place.menu, Words.Suggestions, (index) => this.#take(index));
  }

  async input(): Promise<void> {
    const { value, selectionStart: cursor, selectionEnd: end } = this.#place.box;
    const before = value.slice(0, cursor);
    this.#asked += 1;
    if (cursor !== end || !(MENTION.test(before) || COMMAND.test(before))) {
      this.#dismissed = false;
      this.close();
      return;
    }
    if (this.#dismissed) return;
    const asked = this.#asked;
    const items = await this.#place.complete(value, cursor).catch(() => []);
    const { box } = this.#place;
    const isCurrent = asked === this.#asked && box.value === value && box.selectionStart === cursor;
    if (isCurrent && box.matches(":focus")) this.#show(items);
  }

  #show(items: readonly Item[]): void {
    this.#items = items;
    this.#list.show(items);
  }

  key(event: KeyboardEvent): boolean {
    if (!this.#list.isOpen) return false;
    if (this.#list.key(event)) return true;
    const isPlain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "Escape") {
      this.#dismissed = true;
      this.close();
    } else if (isPlain && (event.key === "Enter" || event.key === "Tab")) {
      if (this.#isThere(this.#list.active)) {
        this.close();
        return false; // all is typed already: Enter sends, Tab goes on
      }
      this.#take(this.#list.active);
    } else return false;
    event.preventDefault();
    return true;
  }

  #isThere(index: number): boolean {
    const item = this.#items[index];
    return item === undefined || this.#place.box.value.slice(item.start, item.end) === item.text;
  }

  #take(index: number): void {
    const item = this.#items[index];
    this.close();
    if (!item) return;
    const { value } = this.#place.box;
    const text = item.kind === "command" ? `${item.text} ` : item.text;
    const after = value.slice(item.end);
    const rest = text.endsWith(" ") && after.startsWith(" ") ? after.slice(1) : after;
    this.#place.write(value.slice(0, item.start) + text + rest, item.start + text.length);
    if (GOES_ON.test(item.kind)) void this.input();
  }

  close(): void {
    this.#asked += 1;
    this.#items = [];
    this.#list.close();
  }
}
