/** What goes with the focus in it leaves that to its transcript, not to the page, where keys act on cells. */
export function keepFocus(element: HTMLElement | null): void {
  if (element?.matches(":focus-within")) element.closest<HTMLElement>("[role=log]")?.focus({ preventScroll: true });
}
