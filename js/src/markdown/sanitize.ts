/** Html that a model or a tool wrote, made harmless. */
import createDOMPurify from "dompurify";

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
const LINK = /^(?:https?:|mailto:|#)/i;
const PICTURE = /^data:image\/(?:png|jpe?g|gif|webp|svg\+xml)[;,]/i;

const purifier = createDOMPurify(window);

purifier.addHook("afterSanitizeAttributes", (node) => {
  filterClasses(node);
  const role = node.getAttribute("role");
  if (role !== null && !ROLES.test(role)) node.removeAttribute("role");
  if (node.tagName === "A") fixLink(node);
  if (node.tagName === "IMG") fixPicture(node);
});

function filterClasses(node: Element): void {
  if (!node.hasAttribute("class")) return;
  const kept = [...node.classList].filter((name) => CLASSES.test(name)).join(" ");
  if (kept) node.setAttribute("class", kept);
  else node.removeAttribute("class");
}

function fixLink(node: Element): void {
  const href = node.getAttribute("href");
  if (href === null || !LINK.test(href) || href.startsWith("#")) {
    node.removeAttribute("href"); // also relative ones: they would lead into the notebook server
    return;
  }
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
  node.setAttribute("title", href);
}

/** A remote picture tells its host that, and when, this was read: it waits for a click (see enhance.ts). */
function fixPicture(node: Element): void {
  const source = node.getAttribute("src") ?? "";
  if (PICTURE.test(source)) {
    if (!node.hasAttribute("alt")) node.setAttribute("alt", "");
    return;
  }
  const doc = node.ownerDocument;
  const placeholder = doc.createElement("span");
  if (/^https?:/i.test(source)) {
    placeholder.className = "cw-remote";
    placeholder.dataset.src = source;
  }
  placeholder.textContent = node.getAttribute("alt") || "picture";
  node.replaceWith(placeholder);
}

/** A fragment with nothing in it that runs, loads, submits or restyles. */
export function sanitize(html: string): DocumentFragment {
  return purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#|data:image\/)/i,
    KEEP_CONTENT: true,
    RETURN_DOM_FRAGMENT: true,
  });
}
