/** The model picker: names that are known, and room for any other. */
import { Words } from "../strings.ts";
import type { Picking } from "./assist.ts";
import { make, newId } from "./dom.ts";
import { Listbox } from "./listbox.ts";

/** What ends the picker that a button has opened. */
const open = new WeakMap<HTMLElement, () => void>();

export function pick({ button, place, models, current, choose }: Picking): void {
  const opened = open.get(button);
  if (opened) {
    opened();
    return;
  }
  const hint = newId();
  const box = make("input", {
    type: "text",
    class: "cw-picker-box",
    "aria-label": Words.ModelBox,
    "aria-describedby": hint,
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
    placeholder: Words.ModelForm,
    autocomplete: "off",
    spellcheck: "false",
  });
  const options = make("div", { class: "cw-picker-list" });
  const help = make("p", { class: "cw-muted", id: hint }, Words.ModelHelp);
  const picker = make(
    "div",
    { class: "cw-picker", role: "group", "aria-label": Words.ModelChoice },
    box,
    options,
    help,
  );
  let shown: readonly string[] = models;
  const take = (model: string) => {
    end();
    if (model && model !== current) choose(model);
  };
  const list = new Listbox(box, options, Words.ModelList, (index) => take(shown[index] ?? ""));
  const filter = () => {
    const typed = box.value.trim().toLowerCase();
    shown = models.filter((model) => model.toLowerCase().includes(typed));
    // What is typed goes before what is only near: nothing is active until ↓ is pressed.
    list.show(
      shown.map((text) => ({ text, kind: text === current ? Words.ModelInUse : "", detail: "" })),
      typed ? -1 : Math.max(shown.indexOf(current), 0),
    );
  };
  const onLeave = (event: FocusEvent) => {
    if (!picker.contains(event.relatedTarget as Node | null)) end();
  };
  function end(): void {
    if (!open.delete(button)) return; // what is taken away loses the focus, and that ends it, too
    const hadFocus = picker.matches(":focus-within");
    picker.remove();
    button.setAttribute("aria-expanded", "false");
    if (hadFocus) button.focus({ preventScroll: true });
  }
  // The button would take the focus, and with it the picker away, before its click could do so.
  button.addEventListener("mousedown", (event) => open.has(button) && event.preventDefault());
  box.addEventListener("input", filter);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || list.key(event)) return;
    if (event.key === "Enter") take(list.active >= 0 ? (shown[list.active] ?? "") : box.value.trim());
    else if (event.key === "Escape") end();
    else return;
    event.preventDefault();
  });
  picker.addEventListener("focusout", onLeave);
  place.append(picker);
  open.set(button, end);
  button.setAttribute("aria-expanded", "true");
  filter();
  box.focus({ preventScroll: true });
}
