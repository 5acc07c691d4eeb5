/** A card that goes with the focus in it leaves that to its transcript, not to the page, where keys act on cells. */
export function keepFocus(card: HTMLElement | null): void {
  if (card?.contains(document.activeElement)) card.closest<HTMLElement>("[role=log]")?.focus({ preventScroll: true });
}
