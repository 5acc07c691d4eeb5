import { useLayoutEffect, useRef } from "preact/hooks";
import { type CodeFigure, codeFigure } from "../markdown/code.ts";
import { useWidget } from "./context.ts";

interface Props {
  code: string;
  language: string;
  streaming?: boolean;
  /** Offers to put the code into a cell, where it is Python. */
  insertable?: boolean;
}

/** A code block with its buttons. */
export function Code({ code, language, streaming = false, insertable = true }: Props) {
  const { services } = useWidget();
  const element = useRef<HTMLDivElement>(null);
  const figure = useRef<CodeFigure | null>(null);
  useLayoutEffect(() => {
    if (!figure.current) {
      figure.current = codeFigure(insertable ? services : { ...services, insertCell: null });
      element.current?.append(figure.current.element);
    }
    figure.current.update(code, language, streaming);
  }, [code, language, streaming, insertable, services]);
  return <div ref={element} />;
}
