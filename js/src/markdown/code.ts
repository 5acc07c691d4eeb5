/** A code block: language, buttons, and code that is coloured while it streams. */
import { copyText } from "../clipboard.ts";
import { codeIn, Words } from "../strings.ts";
import { marked } from "../visible.ts";
import { escapeHtml } from "./escape.ts";
import { languageOf } from "./language.ts";
import { makeScrollable } from "./scroll.ts";
import { type Services, withAsset } from "./services.ts";

export interface Coloured {
  html: string;
  /** Up to here (in the code, at a line's end) later code cannot change the colours; `stableHtml` is their part. */
  stable: number;
  stableHtml: string;
}

/** Languages that are coloured while they stream: parts/colours.ts. */
interface ColoursPart {
  colour(code: string, language: string): Coloured;
  isKnown(language: string): boolean;
}

/** The others: parts/languages.ts. */
interface LanguagesPart {
  highlight(code: string, language: string): string | null;
}

export interface CodeFigure {
  element: HTMLElement;
  /** Shows `code`, which begins with the code of the call before where `streaming` was true then. */
  update(code: string, info: string, streaming: boolean): void;
}

/** An empty block with its buttons. */
export function codeFigure(services: Services): CodeFigure {
  const element = document.createElement("div");
  element.className = "cw-code";
  const bar = document.createElement("div");
  bar.className = "cw-code-bar";
  const label = document.createElement("span");
  label.className = "cw-code-language";
  bar.append(label);
  const pre = document.createElement("pre");
  const code = document.createElement("code");
  pre.append(code);
  element.append(bar, pre);
  const painter = new Painter(code, services);
  const insert = services.insertCell && addInsertButton(bar, services.insertCell, () => painter.code);
  addButton(bar, Words.Copy, async () => ((await copyText(painter.code)) ? Words.Copied : Words.MayNotCopy));
  return {
    element,
    update(text, info, streaming) {
      const language = languageOf(info);
      label.textContent = info.trim().split(/\s/)[0] ?? "";
      makeScrollable(pre, language ? codeIn(language) : Words.Code);
      if (insert) insert.hidden = language !== "python" || streaming;
      painter.paint(text, language, streaming);
    },
  };
}

function addInsertButton(bar: HTMLElement, insert: (code: string) => boolean, code: () => string): HTMLElement {
  const act = async () => (insert(code()) ? Words.Inserted : Words.CannotInsert);
  const button = addButton(bar, Words.InsertCell, act);
  button.hidden = true;
  return button;
}

function addButton(bar: HTMLElement, name: string, act: () => Promise<string>): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "cw-button cw-quiet";
  button.textContent = name;
  button.addEventListener("click", async () => {
    button.textContent = await act();
    setTimeout(() => (button.textContent = name), 1_500);
  });
  bar.append(button);
  return button;
}

/** Lines in one element: a browser lays out only the element that grows. */
const LINES = 40;

/** Colours only what has come since the last line that cannot change. */
class Painter {
  code = "";
  #element: HTMLElement;
  #services: Services;
  #stable = 0;
  #lines: HTMLElement | null = null; // the element that takes the next stable lines
  #tail: HTMLElement | null = null;
  #streaming = false;
  #language = "";
  #colours: ColoursPart | "asked" | null = null;

  constructor(element: HTMLElement, services: Services) {
    this.#element = element;
    this.#services = services;
  }

  paint(code: string, language: string, streaming: boolean): void {
    if (language && this.#colours === null) this.#askForColours();
    const isSame = this.#tail !== null && language === this.#language;
    if (!isSame || !code.startsWith(this.code.slice(0, this.#stable))) this.#reset();
    this.code = code;
    this.#language = language;
    const colours = this.#colour(code.slice(this.#stable));
    const { stable } = colours;
    const html = marked(colours.html);
    const stableHtml = marked(colours.stableHtml);
    const tail = this.#tail as HTMLElement;
    if (streaming && stable > 0) {
      this.#keep(stableHtml, tail);
      this.#stable += stable;
      tail.innerHTML = html.slice(stableHtml.length);
    } else {
      tail.innerHTML = html;
    }
    this.#streaming = streaming;
    const part = this.#colours;
    if (!streaming && part && part !== "asked" && !part.isKnown(language)) this.#paintRare(code, language);
  }

  #colour(code: string): Coloured {
    const colours = this.#colours;
    if (colours && colours !== "asked") return colours.colour(code, this.#language);
    const stable = code.lastIndexOf("\n") + 1;
    return { html: escapeHtml(code), stable, stableHtml: escapeHtml(code.slice(0, stable)) };
  }

  /** Code is shown at once, and in colours as soon as they are here. */
  #askForColours(): void {
    this.#colours = "asked";
    withAsset<ColoursPart>("colours.js", this.#services, (colours) => {
      const isLate = this.#tail !== null;
      this.#colours = colours;
      if (!isLate) return;
      this.#reset();
      this.paint(this.code, this.#language, this.#streaming);
    });
  }

  /** Both come from `#colour`, which escapes all that is not its own. */
  #keep(html: string, tail: HTMLElement): void {
    if (!this.#lines || this.#lines.textContent.split("\n", LINES + 1).length > LINES) {
      this.#lines = document.createElement("span");
      this.#lines.className = "cw-lines";
      tail.before(this.#lines);
    }
    this.#lines.insertAdjacentHTML("beforeend", html);
  }

  #reset(): void {
    this.#element.textContent = "";
    this.#lines = null;
    this.#tail = this.#element.appendChild(document.createElement("span"));
    this.#stable = 0;
  }

  #paintRare(code: string, language: string): void {
    withAsset<LanguagesPart>("languages.js", this.#services, ({ highlight }) => {
      const html = highlight(code, language);
      if (html === null || code !== this.code) return;
      this.#element.innerHTML = marked(html); // highlight.js escapes what it reads
      this.#tail = null;
    });
  }
}
