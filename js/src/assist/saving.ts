/**
 * Ctrl+S, or ⌘S, from within a widget. The widget keeps the keys that are pressed in it; this one is meant for the
 * notebook, so it is pressed once more around the widget. Where nobody there takes it, it is the browser's, as ever.
 */
export function handOnSave(widget: HTMLElement, options: { signal: AbortSignal }): void {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key.toLowerCase() !== "s" || event.altKey || event.ctrlKey === event.metaKey) return;
    const isTaken = widget.parentElement?.dispatchEvent(new KeyboardEvent(event.type, event)) === false;
    if (isTaken) event.preventDefault();
  };
  widget.addEventListener("keydown", onKeyDown, options);
}
