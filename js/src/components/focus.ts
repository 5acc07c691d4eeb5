/** A card that goes with the focus in it leaves that to its transcript, not to the page, where keys act on cells. */
export function keepFocus(card: HTMLElement | null): void {
  if (card?.matches(":focus-within")) card.closest<HTMLElement>("[role=log]")?.focus({ preventScroll: true });
}
