/** An element with attributes and children, as the part makes them. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let count = 0;

/** An id that no other element of the page has. */
export const newId = (): string => {
  count += 1;
  return `cw-assist-${count}-${Math.random().toString(36).slice(2, 8)}`;
};

/** Where a view's user writes, from anywhere in the view. */
export const composerOf = (element: HTMLElement | null): HTMLTextAreaElement | null =>
  element?.closest(".copilot-widget")?.querySelector<HTMLTextAreaElement>(".cw-composer>textarea") ?? null;
