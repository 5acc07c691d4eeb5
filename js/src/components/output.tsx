/** A call's output: its MIME bundles where it has some, else the value itself. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { withSanitized } from "../markdown/html.ts";
import { makeSortable } from "../markdown/table.ts";
import { allCharacters, Words } from "../strings.ts";
import { Code } from "./code.tsx";
import { useWidget } from "./context.ts";
import { Late } from "./late.tsx";
import { Markdown } from "./markdown.tsx";
import { ShowAll } from "./show-all.tsx";

type Bundle = Record<string, unknown>;

const TEXT_LIMIT = 20_000; // characters shown at first

/** Whether a bundle is worth a look without opening its row. */
export const isPicture = (bundle: Bundle): boolean => Object.keys(bundle).some((mime) => mime.startsWith("image/"));

export function Display({ bundles }: { bundles: Bundle[] }) {
  return (
    <>
      {bundles.map((bundle, index) => (
        <Mime key={index} bundle={bundle} />
      ))}
    </>
  );
}

/** Jupyter sends texts whole or as a list of lines. */
const asText = (data: unknown): string => (Array.isArray(data) ? data.join("") : String(data ?? ""));

function Mime({ bundle }: { bundle: Bundle }) {
  const plain = asText(bundle["text/plain"]);
  const mime = Object.keys(bundle).find((each) => /^image\/(png|jpeg|gif|webp)$/.test(each));
  if (mime) return <Picture source={`data:${mime};base64,${asText(bundle[mime]).trim()}`} alt={plain} />;
  if (bundle["image/svg+xml"]) {
    const source = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(asText(bundle["image/svg+xml"]))}`;
    return <Picture source={source} alt={plain} />; // as a picture: scripts in it do not run
  }
  const live = bundle[WIDGET] as { model_id?: unknown } | undefined;
  if (typeof live?.model_id === "string") return <LiveWidget id={live.model_id} bundle={bundle} />;
  if (bundle["text/html"]) return <Html html={asText(bundle["text/html"])} plain={plain} />;
  if (bundle["text/markdown"]) return <Markdown text={asText(bundle["text/markdown"])} ended />;
  if (bundle["application/json"] !== undefined) return <Value value={bundle["application/json"]} />;
  return plain ? <Text text={plain} /> : null;
}

const WIDGET = "application/vnd.jupyter.widget-view+json";

/** Another widget, alive; where it cannot be had (its kernel is gone), what else the bundle has. */
function LiveWidget({ id, bundle }: { id: string; bundle: Bundle }) {
  const { services } = useWidget();
  const box = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useLayoutEffect(() => {
    let end: (() => void) | undefined;
    let isOver = false;
    const drawing = box.current && services.drawWidget?.(id, box.current);
    Promise.resolve(drawing).then(
      (stop) => {
        if (isOver) stop?.();
        else if (stop) end = stop;
        else setFailed(true);
      },
      () => setFailed(true),
    );
    return () => {
      isOver = true;
      end?.();
    };
  }, [id, services]);
  const { [WIDGET]: _, ...others } = bundle;
  return failed ? <Mime bundle={others} /> : <div class="cw-widget" ref={box} />;
}

const Picture = ({ source, alt }: { source: string; alt: string }) => (
  <img class="cw-picture" src={source} alt={alt || Words.Figure} />
);

/** The plain text, until the html has been made harmless. */
function Html({ html, plain }: { html: string; plain: string }) {
  const { services } = useWidget();
  const [fragment, setFragment] = useState<DocumentFragment | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => withSanitized(html, services, setFragment), [html, services]);
  useLayoutEffect(() => {
    if (!fragment || !box.current) return;
    box.current.replaceChildren(fragment);
    makeSortable(box.current, services);
  }, [fragment, services]);
  if (!fragment) return plain ? <Text text={plain} /> : null;
  return <div class="cw-html cw-scroll" tabIndex={0} role="group" aria-label={Words.Output} ref={box} />;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals' colour codes are control characters
const ANSI = /\u001b\[[\d;]*[A-Za-z]/g;

export function Text({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  const clean = text.replace(ANSI, "");
  const isLong = clean.length > TEXT_LIMIT && !all;
  return (
    <>
      <pre class="cw-text cw-scroll" tabIndex={0} role="group" aria-label={Words.Output} dir="auto">
        {isLong ? clean.slice(0, TEXT_LIMIT) : clean.length > TEXT_LIMIT ? <Pieces text={clean} /> : clean}
      </pre>
      {isLong && <ShowAll text={allCharacters(clean.length)} act={() => setAll(true)} />}
    </>
  );
}

/** A long text in pieces, of which a browser lays out only those in sight. */
function Pieces({ text }: { text: string }) {
  const pieces = useMemo(() => text.match(/(?:.{0,2000}\n?){1,40}/g) ?? [], [text]);
  return (
    <>
      {pieces.map((piece, index) => (
        <span key={index} class="cw-text-piece">
          {piece}
        </span>
      ))}
    </>
  );
}

/** Any JSON value: text and what was printed as text, records as a table, the rest as JSON. */
export function Value({ value }: { value: unknown }) {
  if (typeof value === "string")
    return value === "" ? <p class="cw-muted">{Words.EmptyText}</p> : <Text text={value} />;
  if (value === null || value === undefined) return <p class="cw-muted">{Words.NoOutput}</p>;
  const printed = printedOf(value);
  if (printed !== null) return <Text text={printed} />;
  const json = JSON.stringify(value, null, 2) ?? String(value);
  const shown = json.length > TEXT_LIMIT ? <Text text={json} /> : <Code code={json} language="json" />;
  return Array.isArray(value) ? <Late view="List" list={value} otherwise={shown} /> : shown;
}

/** What code has printed so far, where a value is nothing but that. */
export function printedOf(value: unknown): string | null {
  const streams = Object.entries(value ?? "");
  const isPrinted = streams.length > 0 && streams.every(([name]) => name === "stdout" || name === "stderr");
  return isPrinted ? streams.map(([, text]) => String(text)).join("") : null;
}
