/** Calls back at most once a frame for any number of changes, and not at all while the page is hidden. */
export function frames(store: { subscribe(listener: () => void): () => void }, draw: () => void): () => void {
  let frame = 0;
  const unsubscribe = store.subscribe(() => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  });
  draw(); // what changed between the first drawing and this subscription
  return () => {
    unsubscribe();
    cancelAnimationFrame(frame);
  };
}
