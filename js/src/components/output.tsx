/** A call's output: its MIME bundles where it has some, else the value itself. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { withSanitized } from "../markdown/html.ts";
import { withAsset } from "../markdown/services.ts";
import { type Direction, makeSortable, type SortPart } from "../markdown/table.ts";
import { allCharacters, allRows, Words } from "../strings.ts";
import { Code } from "./code.tsx";
import { useWidget } from "./context.ts";
import { Markdown } from "./markdown.tsx";

type Bundle = Record<string, unknown>;

const TEXT_LIMIT = 20_000; // characters shown at first
const ROW_LIMIT = 20; // rows of a table shown at first

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

export const ShowAll = ({ text, act }: { text: string; act: () => void }) => (
  <button type="button" class="cw-button" onClick={act}>
    {text}
  </button>
);

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
  if (isRecords(value)) return <Records records={value} />;
  const json = JSON.stringify(value, null, 2) ?? String(value);
  return json.length > TEXT_LIMIT ? <Text text={json} /> : <Code code={json} language="json" />;
}

/** What code has printed so far, where a value is nothing but that. */
export function printedOf(value: unknown): string | null {
  const streams = Object.entries(value ?? "");
  const isPrinted = streams.length > 0 && streams.every(([name]) => name === "stdout" || name === "stderr");
  return isPrinted ? streams.map(([, text]) => String(text)).join("") : null;
}

type Row = Record<string, unknown>;

/** A list of objects that share their keys and hold no further objects. */
function isRecords(value: unknown): value is Row[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const keys = Object.keys(value[0] ?? {}).join("\0");
  if (keys === "") return false;
  return value.every(
    (row) =>
      typeof row === "object" &&
      row !== null &&
      Object.keys(row).join("\0") === keys &&
      Object.values(row).every((cell) => typeof cell !== "object" || cell === null),
  );
}

interface Sorting {
  column: string;
  direction: Direction;
  rows: Row[];
}

const NEXT: Record<Direction, Direction> = { none: "ascending", ascending: "descending", descending: "none" };

function Records({ records }: { records: Row[] }) {
  const { services } = useWidget();
  const [all, setAll] = useState(false);
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const columns = Object.keys(records[0] ?? {});
  const rows = sorting?.rows ?? records;
  const shown = all ? rows : rows.slice(0, ROW_LIMIT);
  useLayoutEffect(() => withAsset("sort.js", services, () => undefined), [services]); // the look of its heads
  const directionOf = (column: string): Direction => (column === sorting?.column ? sorting.direction : "none");
  const sort = (column: string) =>
    withAsset<SortPart>("sort.js", services, ({ order }) => {
      const direction = NEXT[directionOf(column)];
      const cells = records.map((row) => String(row[column] ?? ""));
      const sorted = order(cells, direction === "ascending" ? 1 : -1).map((at) => records[at] as Row);
      setSorting(direction === "none" ? null : { column, direction, rows: sorted });
    });
  return (
    <>
      <div class="cw-scroll" tabIndex={0} role="group" aria-label={Words.OutputTable}>
        <table class="cw-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col" aria-sort={directionOf(column)}>
                  <button type="button" class="cw-sort" onClick={() => sort(column)}>
                    {column}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, index) => (
              <tr key={index}>
                {columns.map((column) => (
                  <td key={column} class={typeof row[column] === "number" ? "cw-number" : ""}>
                    {row[column] === null ? <span class="cw-muted">{Words.Null}</span> : String(row[column])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < records.length && <ShowAll text={allRows(records.length)} act={() => setAll(true)} />}
    </>
  );
}
