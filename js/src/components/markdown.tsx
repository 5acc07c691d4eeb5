import { useLayoutEffect, useRef } from "preact/hooks";
import { TextView } from "../markdown/text-view.ts";
import { useWidget } from "./context.ts";

/** Markdown that may still grow. */
export function Markdown({ text, ended }: { text: string; ended: boolean }) {
  const { services } = useWidget();
  const element = useRef<HTMLDivElement>(null);
  const view = useRef<TextView | null>(null);
  useLayoutEffect(() => {
    if (!element.current) return;
    view.current ??= new TextView(element.current, services);
    view.current.update(text, ended);
  }, [text, ended, services]);
  return <div class="cw-markdown" ref={element} />;
}
