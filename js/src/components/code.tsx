import { useLayoutEffect, useRef } from "preact/hooks";
import { type CodeFigure, codeFigure } from "../markdown/code.ts";
import { useWidget } from "./context.ts";

/** A code block with its buttons. */
export function Code({ code, language, streaming = false }: { code: string; language: string; streaming?: boolean }) {
  const { services } = useWidget();
  const element = useRef<HTMLDivElement>(null);
  const figure = useRef<CodeFigure | null>(null);
  useLayoutEffect(() => {
    if (!figure.current) {
      figure.current = codeFigure(services);
      element.current?.append(figure.current.element);
    }
    figure.current.update(code, language, streaming);
  }, [code, language, streaming, services]);
  return <div ref={element} />;
}
