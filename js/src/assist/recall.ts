/** ↑ in an empty box brings back what was sent, the last first; ↓ goes forward again, to the empty box. */
import type { Place } from "./assist.ts";

export class Recall {
  readonly #place: Place;
  #steps = 0;
  #shown = "";

  constructor(place: Place) {
    this.#place = place;
  }

  /** True where the key was its. */
  key(event: KeyboardEvent): boolean {
    const isUp = event.key === "ArrowUp";
    const isPlain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (!isPlain || !(isUp || event.key === "ArrowDown")) return false;
    const { value: text, selectionStart: at } = this.#place.box;
    if (text === "" || text !== this.#shown) this.#steps = 0; // what was changed is a draft of its own
    if (text !== "" && this.#steps === 0) return false;
    const hasLine = isUp ? text.slice(0, at).includes("\n") : text.slice(at).includes("\n");
    const said = lastOnes(this.#place.said());
    const next = this.#steps + (isUp ? 1 : -1);
    if (hasLine || next < 0 || next > said.length) return false;
    this.#steps = next;
    this.#shown = next === 0 ? "" : (said.at(-next) ?? "");
    this.#place.write(this.#shown, this.#shown.length);
    event.preventDefault();
    return true;
  }
}

/** Each text once, where it was said last. */
const lastOnes = (said: readonly string[]): string[] =>
  said.filter((text, at) => text && said.lastIndexOf(text) === at);
