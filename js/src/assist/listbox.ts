/** A listbox whose box keeps the focus: options by ↑ and ↓, or by the mouse; named to screen readers by the box. */
import { make, newId } from "./dom.ts";

export interface Option {
  text: string;
  /** What it is, in a word; "" for nothing. */
  kind: string;
  detail: string;
}

/** Pixels that a list takes at most. */
const HEIGHT = 208;

export class Listbox {
  readonly #box: HTMLElement;
  readonly #place: HTMLElement;
  readonly #label: string;
  readonly #choose: (index: number) => void;
  #list: HTMLElement | null = null;
  #active = -1;

  constructor(box: HTMLElement, place: HTMLElement, label: string, choose: (index: number) => void) {
    this.#box = box;
    this.#place = place;
    this.#label = label;
    this.#choose = choose;
  }

  get isOpen(): boolean {
    return this.#list !== null;
  }

  get active(): number {
    return this.#active;
  }

  show(options: readonly Option[], active = 0): void {
    this.close();
    if (options.length === 0) return;
    const list = make("div", { role: "listbox", id: newId(), "aria-label": this.#label, class: "cw-menu" });
    for (const [index, option] of options.entries()) list.append(this.#option(option, index));
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    this.#place.replaceChildren(list);
    this.#list = list;
    this.#box.setAttribute("aria-controls", list.id);
    this.#lift(list);
    this.move(active);
  }

  #option({ text, kind, detail }: Option, index: number): HTMLElement {
    const option = make("div", { role: "option", id: newId(), class: "cw-option", "aria-selected": "false" });
    option.append(make("span", { class: "cw-option-text", dir: "auto" }, text));
    if (kind) option.append(make("span", { class: "cw-option-kind" }, kind));
    if (detail) option.append(make("span", { class: "cw-option-detail", dir: "auto" }, detail));
    option.addEventListener("click", () => this.#choose(index));
    return option;
  }

  /** Over the transcript where that is high enough, so that the box stays where it is; else above the box, in the flow. */
  #lift(list: HTMLElement): void {
    const frame = this.#place.parentElement;
    const room = frame?.offsetTop ?? 0;
    this.#place.classList.toggle("cw-lifted", room > Math.min(list.scrollHeight, HEIGHT) + 8);
  }

  /** Makes the option at `index` the active one; beyond an end it goes on at the other. */
  move(index: number): void {
    const options = this.#list?.children;
    if (!options) return;
    options[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = index < 0 ? -1 : index % options.length;
    const option = options[this.#active];
    if (!option) {
      this.#box.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    this.#box.setAttribute("aria-activedescendant", option.id);
    this.#reveal(option as HTMLElement);
  }

  /** Scrolls the list alone: scrollIntoView would scroll the notebook, too. */
  #reveal(option: HTMLElement): void {
    const list = this.#list as HTMLElement;
    const top = option.offsetTop - list.offsetTop * Number(option.offsetParent !== list);
    if (top < list.scrollTop) list.scrollTop = top;
    const bottom = top + option.offsetHeight - list.clientHeight;
    if (bottom > list.scrollTop) list.scrollTop = bottom;
  }

  /** True where the key moved the active option. */
  key(event: KeyboardEvent): boolean {
    const count = this.#list?.children.length ?? 0;
    if (count === 0) return false;
    if (event.key === "ArrowDown") this.move(this.#active + 1);
    else if (event.key === "ArrowUp") this.move(this.#active <= 0 ? count - 1 : this.#active - 1);
    else return false;
    event.preventDefault();
    return true;
  }

  close(): void {
    this.#list?.remove();
    this.#list = null;
    this.#active = -1;
    this.#place.classList.remove("cw-lifted");
    this.#box.removeAttribute("aria-activedescendant");
    this.#box.removeAttribute("aria-controls");
  }
}
