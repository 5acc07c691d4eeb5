/**
 * Calls back at most once a frame for any number of changes, and not at all while the page is hidden.
 *
 * Where drawing is dear (a table of a thousand rows grows), it happens less often: at most a quarter of the time goes
 * into it, so that the notebook stays usable and the cost of an answer grows with its length, not with its square.
 * What answers the user is urgent: it is drawn in the next frame all the same.
 */

/** Milliseconds that a change waits at most for its drawing, were it ever so dear. */
const LONGEST_WAIT = 500;

interface Source {
  subscribe(listener: (urgent: boolean) => void): () => void;
}

/** Returns what ends it. */
export function frames(store: Source, draw: () => void): () => void {
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let notBefore = 0;
  let before = 0; // what the last drawing cost
  const drawNow = () => {
    frame = 0;
    const start = performance.now();
    draw();
    setTimeout(() => {
      const cost = performance.now() - start; // with layout and painting: a timer comes after them
      // What is dear is so twice: something else that took the page's time once is no reason to wait.
      notBefore = performance.now() + Math.min(3 * cost, 3 * before, LONGEST_WAIT);
      before = cost;
    });
  };
  const request = (urgent: boolean) => {
    if (urgent) {
      clearTimeout(timer);
      timer = undefined;
    }
    if (frame || timer !== undefined) return;
    const wait = urgent ? 0 : notBefore - performance.now();
    if (wait < 8) frame = requestAnimationFrame(drawNow);
    else
      timer = setTimeout(() => {
        timer = undefined;
        frame = requestAnimationFrame(drawNow);
      }, wait);
  };
  const unsubscribe = store.subscribe(request);
  draw(); // what changed between the first drawing and this subscription
  return () => {
    unsubscribe();
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  };
}
