import { useEffect, useState } from "preact/hooks";
import { duration } from "../format.ts";
import type { Span } from "../run.ts";

/** Milliseconds not worth a figure. */
const TOO_SHORT = 10;

/** How long something has taken, counting while it goes on. Nothing where nobody saw it begin. */
export function Elapsed({ span, running }: { span: Span | undefined; running: boolean }) {
  const [, tick] = useState(0);
  const counts = running && span !== undefined && span.end === undefined;
  useEffect(() => {
    if (!counts) return;
    const timer = setInterval(() => tick((count) => count + 1), 100);
    return () => clearInterval(timer);
  }, [counts]);
  if (!span || (!counts && span.end === undefined)) return null;
  const took = (span.end ?? performance.now()) - span.start;
  return took < TOO_SHORT ? null : <span class="cw-time">{duration(took)}</span>;
}
