import { useLayoutEffect, useRef } from "preact/hooks";
import { type CodeFigure, codeFigure } from "../markdown/code.ts";
import { useWidget } from "./context.ts";

interface Props {
  code: string;
  language: string;
  streaming?: boolean;
  /** Keeps the newest line in sight where the block scrolls. */
  follow?: boolean;
  /** Offers to put the code into a cell, where it is Python. */
  insertable?: boolean;
}

/** A code block with its buttons. */
export function Code({ code, language, streaming = false, insertable = true, follow = false }: Props) {
  const { services } = useWidget();
  const element = useRef<HTMLDivElement>(null);
  const figure = useRef<CodeFigure | null>(null);
  useLayoutEffect(() => {
    if (!figure.current) {
      figure.current = codeFigure(insertable ? services : { ...services, insertCell: null });
      element.current?.append(figure.current.element);
    }
    figure.current.update(code, language, streaming);
    const scroller = streaming && follow ? element.current?.querySelector("pre") : null;
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  }, [code, language, streaming, insertable, follow, services]);
  return <div ref={element} />;
}
