/** What sanitised markdown gets on top: code with buttons, math, pictures that wait for a click, headings in order. */
import { loadPicture, Words } from "../strings.ts";
import { codeFigure } from "./code.ts";
import { hostOf } from "./links.ts";
import { drawMath } from "./math.ts";
import { makeScrollable } from "./scroll.ts";
import type { Services } from "./services.ts";

/** `heading`: the level of the heading before, so that none is skipped. Returns the level of the last one. */
export function enhance(root: DocumentFragment, services: Services, heading: number): number {
  enhanceText(root, services);
  for (const table of root.querySelectorAll("table")) {
    const box = document.createElement("div");
    box.className = "cw-scroll-x";
    makeScrollable(box, Words.Table);
    table.replaceWith(box);
    box.append(table);
  }
  let level = heading;
  for (const title of root.querySelectorAll("h1,h2,h3,h4,h5,h6")) {
    level = Math.min(Number(title.tagName[1]) + 2, level + 1);
    title.setAttribute("aria-level", String(level));
  }
  return level;
}

/** The same for a part of a text, such as rows that a table gets. */
export function enhanceText(root: ParentNode, services: Services): void {
  for (const code of root.querySelectorAll("pre > code")) {
    const language = [...code.classList].find((name) => name.startsWith("language-"))?.slice("language-".length) ?? "";
    const figure = codeFigure(services);
    figure.update((code.textContent ?? "").replace(/\n$/, ""), language, false);
    code.parentElement?.replaceWith(figure.element);
  }
  for (const math of root.querySelectorAll<HTMLElement>(".cw-math")) drawMath(math, services);
  for (const picture of root.querySelectorAll<HTMLElement>(".cw-remote")) offerPicture(picture);
  for (const link of root.querySelectorAll<HTMLAnchorElement>("a[href]")) unmask(link);
  for (const block of root.querySelectorAll("p,li,h1,h2,h3,h4,h5,h6,blockquote,td,th"))
    block.setAttribute("dir", "auto");
}

function offerPicture(placeholder: HTMLElement): void {
  const source = placeholder.dataset.src ?? "";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "cw-button";
  button.dir = "auto";
  button.textContent = loadPicture(hostOf(source), placeholder.textContent ?? "");
  button.title = source;
  button.addEventListener("click", () => {
    const picture = document.createElement("img");
    picture.src = source;
    picture.alt = placeholder.textContent ?? "";
    picture.referrerPolicy = "no-referrer";
    button.replaceWith(picture);
  });
  const link = placeholder.closest("a");
  if (!link) {
    placeholder.replaceWith(button);
    return;
  }
  placeholder.replaceWith(placeholder.textContent ?? ""); // a button within a link would do both
  link.after(" ", button);
}

/** A link whose words are another address than its own says where it leads. */
function unmask(link: HTMLAnchorElement): void {
  const said = /^\s*(?:https?:\/\/)?((?:[\w-]+\.)+[a-z]{2,})(?=[/:?#\s]|$)/i.exec(link.textContent ?? "")?.[1];
  const { host } = link;
  const isSame = (one: string, other: string) => one.replace(/^www\./, "") === other.replace(/^www\./, "");
  if (said && host && !isSame(said.toLowerCase(), host)) link.append(` (${host})`);
}
