/** On demand: what helps to write a message, and to choose a model. It comes when somebody first goes to do either. */
import type { Assist, AssistModule, Place } from "../assist/assist.ts";
import { Files } from "../assist/files.ts";
import { Menu } from "../assist/menu.ts";
import { pick as toggle } from "../assist/picker.ts";
import { Recall } from "../assist/recall.ts";
import { handOnSave } from "../assist/saving.ts";
import css from "../assist/style.css";
import { views as show } from "../assist/views.tsx";

function addStyle(): void {
  if (document.getElementById("copilot-assist-style")) return;
  const style = document.createElement("style");
  style.id = "copilot-assist-style";
  style.textContent = css;
  document.head.append(style);
}

export const views: AssistModule["views"] = (lent) => {
  addStyle();
  return show(lent);
};

/** Keys after which the caret stands elsewhere in the same text. */
const MOVES = /^(?:ArrowLeft|ArrowRight|Home|End)$/;

export const assist: AssistModule["assist"] = (place: Place): Assist => {
  addStyle();
  const menu = new Menu(place);
  const files = new Files(place);
  const recall = new Recall(place);
  const ended = new AbortController();
  const options = { signal: ended.signal };
  const { box } = place;
  box.addEventListener("blur", () => menu.close(), options);
  box.addEventListener("input", () => void menu.input(), options);
  box.addEventListener("click", () => void menu.input(), options);
  box.addEventListener("keyup", ({ key }) => void (MOVES.test(key) && menu.input()), options);
  const widget = box.closest<HTMLElement>(".copilot-widget");
  if (widget) handOnSave(widget, options);
  void menu.input(); // of what was typed while this came
  return {
    get count() {
      return files.count;
    },
    key: (event) => menu.key(event) || recall.key(event),
    add: (given) => files.add(given),
    browse: () => files.browse(),
    take: () => files.take(),
    edit: (message) => files.edit(message),
    close: () => menu.close(),
    end() {
      ended.abort();
      menu.close();
    },
  };
};

export const pick: AssistModule["pick"] = (picking) => {
  addStyle();
  toggle(picking);
};
