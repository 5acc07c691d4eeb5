/** Styles where a host draws views into a shadow tree, which those of the page's head do not reach. */

const OURS = "style[id^=copilot-]";

/** Keeps copies of the head's styles of ours in the tree around `element`, also of those that come later with a part. */
export function styleShadow(element: HTMLElement): () => void {
  const root = element.getRootNode();
  if (!(root instanceof ShadowRoot)) return () => undefined;
  const copy = () => {
    for (const style of document.head.querySelectorAll<HTMLStyleElement>(OURS)) {
      if (!root.getElementById(style.id)) root.append(style.cloneNode(true));
    }
  };
  copy();
  const observer = new MutationObserver(copy);
  observer.observe(document.head, { childList: true });
  return () => observer.disconnect();
}
