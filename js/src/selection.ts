/** What was selected last in the notebook's cells and outputs: what a prompt calls @selection. */
export interface Selected {
  text: string;
  /** The number of its cell, as in [3], where that has one. */
  cell?: number;
}

const LIMIT = 20_000;
const PLACES = ".cm-editor, .jp-OutputArea-output";
const MENTION = /(?<![\w@.\\/])@selection(?![\w.])/;
let last: Selected | null = null;
let views = 0;

/** Notes selections until the function returned is called; the box that one writes in clears the page's own. */
export function watchSelection(): () => void {
  if (views++ === 0) document.addEventListener("selectionchange", note);
  return () => {
    if (--views === 0) document.removeEventListener("selectionchange", note);
  };
}

/** The selection, only where the prompt asks for it. */
export function selectionFor(prompt: string): Selected | null {
  return MENTION.test(prompt) ? last : null;
}

function note(): void {
  const selection = document.getSelection();
  const node = selection?.anchorNode;
  const element = node instanceof Element ? node : node?.parentElement;
  if (!selection || !element?.closest(PLACES) || element.closest(".copilot-widget")) return;
  const text = selection.toString().slice(0, LIMIT);
  if (text.trim() === "") return;
  const number = element.closest(".jp-Cell")?.querySelector(".jp-InputPrompt")?.textContent?.match(/\d+/);
  last = number ? { text, cell: Number(number[0]) } : { text };
}
