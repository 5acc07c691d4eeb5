/**
 * The record beside a view, in a page that was loaded after it had been shown: JupyterLab replaces an output by its
 * display id only where it took part in the showing. Its own model of the output is set, as it would do itself.
 */
import { type AnyModel, VIEW } from "../host.ts";

interface OutputModel {
  data?: Record<string, unknown>;
}

interface OutputList {
  length: number;
  get?(index: number): OutputModel | undefined;
  set?(index: number, output: object): void;
}

const HTML = "text/html";

/** `cell`: the index of the cell that shows the view. False where there is no record before it. */
export function setRecord(
  model: AnyModel,
  widgets: readonly string[],
  cell: number,
  record: { data: Record<string, unknown>; metadata: object },
): boolean {
  const outputs = model.widget_manager?.context?.model?.cells?.get?.(cell)?.outputs as OutputList | undefined;
  for (let index = 1; index < (outputs?.length ?? 0); index += 1) {
    const view = outputs?.get?.(index)?.data?.[VIEW] as { model_id?: string } | undefined;
    if (!widgets.includes(view?.model_id ?? "")) continue;
    const shown = String(outputs?.get?.(index - 1)?.data?.[HTML] ?? "");
    if (!shown.includes("copilot-record")) return false;
    if (shown !== record.data[HTML]) outputs?.set?.(index - 1, { output_type: "display_data", ...record });
    return true;
  }
  return false;
}
