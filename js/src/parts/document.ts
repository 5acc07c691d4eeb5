/** The notebook's document, as the kernel may ask for it. Nothing here runs a cell. */
import { type AnyModel, notebookOf, type SharedCell, type SharedNotebook, shows } from "../host.ts";
import type { Request } from "../requests.ts";
import {
  cellNumber,
  cellPlace,
  charactersCut,
  noCell,
  noOperation,
  noPicture,
  notChanged,
  notEditable,
  notRemoved,
  sameNumber,
  Words,
} from "../strings.ts";
import { pictureOf } from "./picture.ts";
import { setRecord } from "./record.ts";

/** Why nothing was done: see Refusal in protocol/commands.py. */
export interface Refusal {
  code: string;
  message: string;
}

/** Characters of the sources and outputs of one answer, all cells together; the rest is named, and asked for anew. */
const ANSWER_LIMIT = 200_000;

class Refused extends Error implements Refusal {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Place {
  notebook: SharedNotebook;
  cells: readonly SharedCell[];
  /** The index of the cell whose output shows the widget that asks. */
  own: number;
}

/** Does one operation; rejects with {code, message} where it does nothing. */
export async function act(model: AnyModel, widgets: readonly string[], request: Request): Promise<unknown> {
  const place = placeOf(model, widgets);
  switch (request.op) {
    case "cells":
      return list(place, request);
    case "cell":
      return described(place, find(place, request.cell), Number.POSITIVE_INFINITY, 0);
    case "picture": {
      const index = find(place, request.cell);
      const picture = await pictureOf(outputsOf(place.cells[index]), request.which);
      if (!picture) throw new Refused("not-found", noPicture(nameOf(place, index)));
      return { ...headOf(place, index), ...picture };
    }
    case "insert":
      writable(model);
      return insert(place, request);
    case "edit":
      writable(model);
      return edit(place, request);
    case "remove":
      writable(model);
      return remove(place, request);
    case "record": {
      const record = request.record as Parameters<typeof setRecord>[3];
      if (!setRecord(model, widgets, place.own, record)) throw new Refused("not-found", Words.NoRecord);
      return {};
    }
    default:
      throw new Refused("bad-request", noOperation(String(request.op)));
  }
}

function placeOf(model: AnyModel, widgets: readonly string[]): Place {
  const notebook = notebookOf(model);
  const cells = notebook?.cells;
  if (!notebook || !cells) throw new Refused("no-document", Words.CellsClosed);
  const own = cells.findIndex((cell) => shows(cell, widgets));
  // Another notebook may use the same kernel: its cells are not meant.
  if (own < 0) throw new Refused("elsewhere", Words.CellElsewhere);
  return { notebook, cells, own };
}

function writable(model: AnyModel): void {
  const context = model.widget_manager?.context;
  if (context?.model?.readOnly || context?.contentsModel?.writable === false) {
    throw new Refused("read-only", Words.ReadOnly);
  }
}

// ---- finding -------------------------------------------------------------------------------------------

/** By id, or by number: "12" and "[12]" are the cell that ran as [12]. */
function find({ cells, own }: Place, wanted: unknown): number {
  if (wanted === undefined || wanted === "") return own;
  const name = String(wanted).trim();
  const byId = cells.findIndex(({ id }) => id === name);
  if (byId >= 0) return byId;
  const count = /^\[?\s*(\d+)\s*\]?$/.exec(name)?.[1];
  const found = [...cells.keys()].filter(
    (index) => count !== undefined && cells[index]?.execution_count === Number(count),
  );
  if (found.length > 1) {
    const ids = found.map((index) => cells[index]?.id).join(", ");
    throw new Refused("ambiguous", sameNumber(found.length, String(count), ids));
  }
  if (found[0] !== undefined) return found[0];
  throw new Refused("not-found", noCell(count === undefined ? name : `[${count}]`));
}

const countOf = (cell: SharedCell | undefined): number | null => cell?.execution_count ?? null;

/** "Cell [12]" for people, or by its place where it has not run. */
function nameOf({ cells }: Place, index: number): string {
  const count = countOf(cells[index]);
  return count === null ? cellPlace(index + 1) : cellNumber(count);
}

// ---- reading -------------------------------------------------------------------------------------------

const sourceOf = (cell: SharedCell | undefined): string => cell?.getSource?.() ?? "";

function outputsOf(cell: SharedCell | undefined): Record<string, unknown>[] {
  const outputs = cell?.getOutputs?.();
  return Array.isArray(outputs) ? outputs : [];
}

function headOf({ cells, own }: Place, index: number): Record<string, unknown> {
  const cell = cells[index];
  const tags = cell?.getMetadata?.().tags;
  return {
    id: cell?.id ?? "",
    index,
    type: cell?.cell_type ?? "code",
    executionCount: countOf(cell),
    ...(Array.isArray(tags) && tags.length > 0 && { tags }),
    ...(index === own && { isOwn: true }),
  };
}

function described(place: Place, index: number, source: number, outputs: number): Record<string, unknown> {
  const cell = place.cells[index];
  const texts = outputs > 0 ? outputsOf(cell).map((output) => outputText(output, outputs)) : [];
  return { ...headOf(place, index), source: cut(sourceOf(cell), source), ...(texts.length > 0 && { outputs: texts }) };
}

/** Cells `from` to `to` (not included), or the one that is named; the others are counted. */
function list(place: Place, request: Request): unknown {
  const { cells } = place;
  const named = request.cell ? find(place, request.cell) : null;
  const from = named ?? Math.max(0, Number(request.from ?? 0));
  const to = named === null ? Math.min(cells.length, Number(request.to ?? cells.length)) : named + 1;
  const result: Record<string, unknown>[] = [];
  let left = ANSWER_LIMIT;
  for (let index = from; index < to && left > 0; index += 1) {
    const one = described(place, index, Number(request.source ?? 4_000), Number(request.outputs ?? 0));
    left -= JSON.stringify(one).length;
    result.push(one);
  }
  return { total: cells.length, own: place.own, cells: result };
}

/** What a model reads of an output: its text, and which other forms it has. A picture is named, not sent. */
function outputText(output: Record<string, unknown>, limit: number): Record<string, unknown> {
  const type = String(output.output_type ?? "");
  if (type === "stream") return { type, name: output.name, text: cut(joined(output.text), limit) };
  if (type === "error") {
    const traceback = Array.isArray(output.traceback) ? output.traceback.join("\n") : "";
    const text = `${output.ename}: ${output.evalue}\n${traceback}`.replace(ANSI, "");
    return { type, text: cut(text, limit) };
  }
  const data = (output.data ?? {}) as Record<string, unknown>;
  const text = joined(data["text/plain"] ?? data["text/markdown"] ?? "");
  return { type, text: cut(text, limit), mimes: Object.keys(data) };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals' colour codes are control characters
const ANSI = /\u001b\[[\d;]*[A-Za-z]/g;

const joined = (text: unknown): string => (Array.isArray(text) ? text.join("") : String(text ?? ""));

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = Math.ceil((limit * 2) / 3);
  const tail = limit - head;
  return `${text.slice(0, head)}\n… ${charactersCut(text.length - limit)} …\n${text.slice(text.length - tail)}`;
}

// ---- changing ------------------------------------------------------------------------------------------

function insert(place: Place, request: Request): unknown {
  const beside = find(place, request.cell);
  const index = request.place === "above" ? beside : beside + 1;
  const cell = {
    cell_type: request.cellType === "markdown" ? "markdown" : "code",
    source: String(request.source ?? ""),
    metadata: {},
  };
  place.notebook.insertCell?.(index, cell);
  const made = place.notebook.cells?.[index];
  if (!made || sourceOf(made) !== cell.source) throw new Refused("failed", Words.CellNotTaken);
  return { ...headOf(placeAgain(place), index), beside: place.cells[beside]?.id ?? "" };
}

/** The list of cells is another one after a change. */
const placeAgain = (place: Place): Place => ({ ...place, cells: place.notebook.cells ?? [] });

function edit(place: Place, request: Request): unknown {
  const index = expected(place, request, notChanged);
  const cell = place.cells[index];
  const source = String(request.source ?? "");
  cell?.setSource?.(source);
  if (sourceOf(cell) !== source) throw new Refused("failed", Words.SourceNotTaken);
  return headOf(place, index);
}

function remove(place: Place, request: Request): unknown {
  const index = expected(place, request, notRemoved);
  if (index === place.own) throw new Refused("bad-request", Words.OwnCell);
  if (!place.notebook.deleteCell) throw new Refused("no-document", Words.CellsStay);
  place.notebook.deleteCell(index);
  return {};
}

/** A cell that is as the request expects it, and that may be changed. */
function expected(place: Place, request: Request, refusal: (cell: string) => string): number {
  const index = find(place, request.cell);
  const cell = place.cells[index];
  const name = nameOf(place, index);
  if (sourceOf(cell) !== request.expected) {
    throw new Refused("changed", refusal(name));
  }
  if (cell?.getMetadata?.().editable === false) throw new Refused("read-only", notEditable(name));
  return index;
}
