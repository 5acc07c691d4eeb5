/** Draws one markdown text into an element, and as it grows only what has changed of it. */
import { type Block, BlockStream } from "./blocks.ts";
import { type CodeFigure, codeFigure } from "./code.ts";
import { FINAL, growTable, renderMarkdown } from "./render.ts";
import type { Services } from "./services.ts";
import { makeSortable } from "./table.ts";

interface Drawn {
  block: Block;
  element: HTMLElement;
  figure?: CodeFigure;
  /** The level of the last heading up to here. */
  heading: number;
}

const TOP_HEADING = 2; // the first heading of a text is one below

export class TextView {
  readonly element: HTMLElement;
  #services: Services;
  #stream = new BlockStream();
  #drawn: Drawn[] = [];
  #text = "";

  constructor(element: HTMLElement, services: Services) {
    this.element = element;
    this.#services = services;
  }

  /** `ended`: the text is complete, nothing of it need be guessed. */
  update(text: string, ended: boolean): void {
    if (!text.startsWith(this.#text.slice(-64), Math.max(0, this.#text.length - 64))) this.#stream = new BlockStream();
    this.#text = text;
    const lines = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    const blocks = this.#stream.update(lines, ended);
    for (const [index, block] of blocks.entries()) this.#draw(index, block);
    for (const { element } of this.#drawn.splice(blocks.length)) element.remove();
    this.#settle(blocks.length, ended);
  }

  /** All blocks but the last change no more, and that one not after the end. */
  #settle(count: number, ended: boolean): void {
    for (let index = ended ? count - 1 : count - 2; index >= 0; index--) {
      const element = this.#drawn[index]?.element;
      if (!element?.classList.contains(FINAL)) {
        element?.classList.add(FINAL);
        if (element) makeSortable(element, this.#services);
      } else if (!ended) break;
    }
  }

  #draw(index: number, block: Block): void {
    const drawn = this.#drawn[index];
    if (drawn && isSame(drawn.block, block)) {
      drawn.block = block;
      return;
    }
    if (drawn?.figure && block.kind === "code") {
      drawn.figure.update(block.code, block.language, block.open);
      drawn.block = block;
      return;
    }
    if (drawn && block.kind === "markdown" && growTable(block.source, drawn.element, this.#services)) {
      drawn.block = block;
      return;
    }
    const fresh = this.#make(block, this.#drawn[index - 1]?.heading ?? TOP_HEADING);
    if (drawn) drawn.element.replaceWith(fresh.element);
    else this.element.append(fresh.element);
    this.#drawn[index] = fresh;
  }

  #make(block: Block, heading: number): Drawn {
    if (block.kind === "code") {
      const figure = codeFigure(this.#services);
      figure.update(block.code, block.language, block.open);
      return { block, element: figure.element, figure, heading };
    }
    const element = document.createElement("div");
    element.className = block.isPiece ? "cw-block cw-piece" : "cw-block";
    return { block, element, heading: renderMarkdown(block.source, element, this.#services, heading) };
  }
}

function isSame(one: Block, other: Block): boolean {
  if (one === other) return true;
  if (one.kind === "code" && other.kind === "code") {
    return one.code === other.code && one.language === other.language && one.open === other.open;
  }
  return one.kind === other.kind && one.source === other.source;
}
