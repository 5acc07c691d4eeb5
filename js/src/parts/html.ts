/** On demand: html that a model or a tool wrote, made harmless. */
import createDOMPurify from "dompurify";
import { fixLink, isOwnPicture, isRemotePicture } from "../markdown/links.ts";
import { notShown, Words } from "../strings.ts";

const TAGS =
  `a abbr b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption figure
  h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span strike strong sub summary sup table
  tbody td tfoot th thead time tr tt u ul var wbr`.split(/\s+/);

const ATTRIBUTES =
  `align alt aria-label class colspan data-display dir height href lang open reversed role rowspan scope
  src start title valign width`.split(/\s+/);

/** A foreign class could dress text up as a part of this view. */
const CLASSES = /^(?:language-[\w+#.-]+|cw-math|cw-check)$/;
const ROLES = /^img$/;

const purifier = createDOMPurify(window);

purifier.addHook("afterSanitizeAttributes", (node) => {
  filterClasses(node);
  const role = node.getAttribute("role");
  if (role !== null && !ROLES.test(role)) node.removeAttribute("role");
  if (node.tagName === "A") fixLink(node, node.getAttribute("href") ?? "");
  if (node.tagName === "IMG") fixPicture(node);
});

function filterClasses(node: Element): void {
  if (!node.hasAttribute("class")) return;
  const kept = [...node.classList].filter((name) => CLASSES.test(name)).join(" ");
  if (kept) node.setAttribute("class", kept);
  else node.removeAttribute("class");
}

/**
 * A remote picture tells its host that, and when, this was read: it waits for a click (see enhance.ts). The source goes
 * while the picture is in DOMPurify's own document: in the page's it would load even outside of the tree.
 */
function fixPicture(node: Element): void {
  const source = node.getAttribute("src") ?? "";
  if (!node.hasAttribute("alt")) node.setAttribute("alt", "");
  if (isOwnPicture(source)) return;
  node.removeAttribute("src");
  if (isRemotePicture(source)) node.setAttribute("data-src", source);
}

function replaceSourceless(picture: HTMLImageElement): void {
  const placeholder = document.createElement("span");
  placeholder.textContent = picture.alt || Words.Unnamed;
  const source = picture.dataset.src;
  if (source) {
    placeholder.className = "cw-remote";
    placeholder.dataset.src = source;
  }
  picture.replaceWith(placeholder);
}

/** Elements whose content is no text to a browser, or goes with them: one that is not closed would take all that follows. */
const SWALLOWING =
  "script style textarea title xmp iframe noembed noframes noscript svg math select template audio video head colgroup".split(
    " ",
  );

/** What opens and does not close becomes the text it is. Each text is looked at once, however often something opens. */
function withoutOpenEnds(html: string): string {
  const lower = html.toLowerCase();
  const last = new Map(SWALLOWING.map((name) => [name, lower.lastIndexOf(`</${name}`)]));
  const lastComment = lower.lastIndexOf("-->");
  const lastTag = html.lastIndexOf(">");
  return html.replace(/<(\/?)(?=([a-z!?][\w-]*))/gi, (opening, slash: string, word: string, at: number) => {
    const name = word.toLowerCase();
    const isOpenEnd =
      at > lastTag ||
      name === "plaintext" ||
      (name === "!" || name.startsWith("!-") ? html.startsWith("<!--", at) && at + 2 > lastComment : false) ||
      (slash === "" && (last.get(name) ?? Number.POSITIVE_INFINITY) < at);
    return isOpenEnd ? `&lt;${slash}` : opening;
  });
}

/** Things to see that are not shown: said in their place, so that nobody takes what is left for the whole. */
const NAMED = /^(?:script|iframe|svg|math|video|audio|object|embed|canvas|form|input|select|button|template)$/;

/** A form's own `nodeName` may be a field of it that is called so. */
const nodeNameOf = Object.getOwnPropertyDescriptor(Node.prototype, "nodeName")?.get as (this: Node) => string;

function leftOut(): string[] {
  const names = purifier.removed.map((entry) =>
    "element" in entry ? nodeNameOf.call(entry.element).toLowerCase() : "",
  );
  return [...new Set(names.filter((name) => NAMED.test(name)))];
}

function asText(html: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(html);
  return fragment;
}

/** A fragment with nothing in it that runs, loads, submits or restyles. */
export function sanitize(html: string): DocumentFragment {
  const fragment: DocumentFragment | null = purifier.sanitize(withoutOpenEnds(html), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ADD_URI_SAFE_ATTR: ATTRIBUTES.filter((name) => name !== "href" && name !== "src"),
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|data:image\/)/i,
    KEEP_CONTENT: true,
    RETURN_DOM_FRAGMENT: true,
  });
  if (!fragment) return asText(html); // DOMPurify gives up on some, a frameset among them
  for (const picture of fragment.querySelectorAll<HTMLImageElement>("img:not([src])")) replaceSourceless(picture);
  for (const header of fragment.querySelectorAll("th:empty")) header.replaceWith(document.createElement("td"));
  const names = leftOut();
  if (names.length > 0) {
    const note = fragment.appendChild(document.createElement("p"));
    note.className = "cw-muted";
    note.textContent = notShown(names.join(", "));
  }
  return fragment; // (an empty header, as pandas writes one, names nothing)
}
