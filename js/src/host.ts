/** What the notebook's page offers: all of it unofficial but `AnyModel`, so every member is optional and tested for. */

export interface AnyModel {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: string, callback: (...args: unknown[]) => void): void;
  off(event?: string | null, callback?: ((...args: unknown[]) => void) | null): void;
  widget_manager?: WidgetManager;
}

export interface WidgetManager {
  get_model?(id: string): Promise<WidgetModel | undefined>;
  create_view?(model: WidgetModel): Promise<WidgetView>;
  kernel?: Kernel | null;
  context?: {
    model?: {
      sharedModel?: SharedNotebook;
      readOnly?: boolean;
      cells?: { get?(index: number): { outputs?: unknown } | undefined };
    };
    contentsModel?: { writable?: boolean } | null;
  };
}

/** The widget's own model, behind the proxy that anywidget hands out. */
export interface WidgetModel {
  get(name: string): unknown;
  comm_live?: boolean;
  on?(event: string, callback: () => void): void;
}

/** Another widget's view; Lumino's part of it wants to hear that it is on the page. */
export interface WidgetView {
  el: HTMLElement;
  luminoWidget?: { node: HTMLElement; processMessage(message: { type: string }): void };
  remove?(): void;
}

export interface Signal<T> {
  connect(slot: (sender: unknown, value: T) => void): unknown;
  disconnect(slot: (sender: unknown, value: T) => void): unknown;
}

export interface Comm {
  open(data?: unknown): unknown;
  send(data: unknown): unknown;
  onMsg: (message: { content: { data: unknown } }) => void;
  onClose: (message: unknown) => void;
  isDisposed?: boolean;
  subshellStarted?: Promise<void>;
}

export interface IopubMessage {
  header: { msg_type: string };
  parent_header: { msg_id?: string };
  content: { code?: unknown; execution_state?: unknown };
}

export interface Kernel {
  clientId?: string;
  username?: string;
  isDisposed?: boolean;
  status?: string;
  connectionStatus?: string;
  statusChanged?: Signal<string>;
  connectionStatusChanged?: Signal<string>;
  iopubMessage?: Signal<IopubMessage>;
  createComm?(target: string): Comm;
  sendControlMessage?(message: unknown, expectReply?: boolean): { onReply: (message: { content: unknown }) => void };
}

export interface SharedCell {
  toJSON?(): { outputs?: unknown };
  id?: string;
  cell_type?: string;
  execution_count?: number | null;
  getSource?(): string;
  setSource?(source: string): void;
  getOutputs?(): unknown;
  getMetadata?(): { editable?: boolean; tags?: unknown };
}

export interface SharedNotebook {
  cells?: readonly SharedCell[];
  insertCell?(index: number, cell: { cell_type: string; source: string; metadata: object }): unknown;
  deleteCell?(index: number): void;
}

/** The kernel connection of JupyterLab and Notebook 7; null elsewhere. The getter may throw while a page starts. */
export function kernelOf(model: AnyModel): Kernel | null {
  try {
    return model.widget_manager?.kernel ?? null;
  } catch {
    return null;
  }
}

/** The notebook's document; null where this page has none that we know. */
export function notebookOf(model: AnyModel): SharedNotebook | null {
  try {
    const notebook = model.widget_manager?.context?.model?.sharedModel;
    return notebook?.insertCell && notebook.cells ? notebook : null;
  } catch {
    return null;
  }
}

export const VIEW = "application/vnd.jupyter.widget-view+json";

/** Whether a cell's output is one of these widgets. */
export function shows(cell: SharedCell, widgets: readonly string[]): boolean {
  const outputs = cell.getOutputs?.() ?? cell.toJSON?.().outputs;
  if (!Array.isArray(outputs)) return false;
  return outputs.some((output) => widgets.includes(output?.data?.[VIEW]?.model_id));
}

/** Whether this page lets us add cells; asked before an "Insert cell" button is offered. */
export const canInsertCells = (model: AnyModel): boolean => notebookOf(model) !== null;

/** Adds a code cell below the cell that shows one of `widgets`. False where there is none: nothing happened. */
export function insertCell(model: AnyModel, widgets: readonly string[], source: string): boolean {
  const notebook = notebookOf(model);
  const index = notebook?.cells?.findIndex((cell) => shows(cell, widgets)) ?? -1;
  if (!notebook?.insertCell || index < 0) return false;
  notebook.insertCell(index + 1, { cell_type: "code", source, metadata: {} });
  return true;
}

/** Draws another widget of the notebook into `element`, alive. Rejects where it cannot be had. Returns what ends it. */
export async function drawWidget(model: AnyModel, id: string, element: HTMLElement): Promise<() => void> {
  const manager = model.widget_manager;
  const drawn = await manager?.get_model?.(id);
  const view = drawn && (await manager?.create_view?.(drawn));
  if (!view) throw new Error(`no widget ${id}`);
  element.append(view.luminoWidget?.node ?? view.el);
  view.luminoWidget?.processMessage({ type: "after-attach" });
  return () => view.remove?.();
}
