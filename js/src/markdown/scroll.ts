/** What may be wider than its view can be scrolled by the keyboard, too, and has a name there. */
export function makeScrollable(element: HTMLElement, name: string): void {
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", name);
}
