/** A model and a kernel that answer as the real ones do, from a script. */
import type { AnyModel, Comm, IopubMessage } from "../src/host.ts";
import type { UIMessageChunk } from "../src/protocol-types.ts";
import type { View } from "../src/view.ts";

async function gzipped(text: string): Promise<{ data: string }> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return { data: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
}

/** A command that the page sent. */
export interface Asked {
  command: string;
  name?: string;
  runs?: { run: string; after: number }[];
  [argument: string]: unknown;
}

export class FakeModel implements AnyModel {
  readonly log = new Map<string, UIMessageChunk[]>();
  readonly received: Asked[] = [];
  /** Commands of these names are never answered: a cell is running. */
  readonly deaf = new Set<string>();
  /** What commands of these names are answered with; a thrown error is a refusal. */
  readonly answers = new Map<string, (command: Record<string, unknown>) => unknown>();
  #listeners = new Set<(...args: unknown[]) => void>();
  #statusListeners = new Set<(sender: unknown, status: string) => void>();
  #iopubListeners = new Set<(sender: unknown, message: IopubMessage) => void>();
  readonly cells: { source: string }[] = [];

  /** `assets`: the texts of on-demand parts, by name. */
  constructor(
    private view: View,
    private assets: Record<string, string> = {},
  ) {}

  get(name: string): unknown {
    return name === "initial" ? this.view : undefined;
  }

  send(content: unknown): void {
    void content;
  }

  on(event: string, callback: (...args: unknown[]) => void): void {
    if (event === "msg:custom") this.#listeners.add(callback);
  }

  off(): void {}

  emit(message: unknown): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** Logs chunks of a run and sends them. */
  push(run: string, ...chunks: UIMessageChunk[]): void {
    const log = this.log.get(run) ?? [];
    this.log.set(run, log);
    const from = log.length + 1;
    log.push(...chunks);
    this.emit({ run, from, to: log.length, chunks });
  }

  kernelStatus(status: string): void {
    for (const listener of this.#statusListeners) listener(null, status);
  }

  /** Runs a cell in the notebook, as this page hears of it. */
  runCell(code: string): void {
    const parent_header = { msg_id: `cell ${code}` };
    for (const listener of this.#iopubListeners) {
      listener(null, { header: { msg_type: "execute_input" }, parent_header, content: { code } });
      listener(null, { header: { msg_type: "status" }, parent_header, content: { execution_state: "idle" } });
    }
  }

  readonly widget_manager = {
    get_model: async () => undefined,
    context: {
      model: {
        sharedModel: {
          cells: [
            {
              toJSON: () => ({
                outputs: [{ data: { "application/vnd.jupyter.widget-view+json": { model_id: "fake" } } }],
              }),
            },
          ],
          insertCell: (_: number, cell: { source: string }) => this.cells.push(cell),
        },
      },
    },
    kernel: {
      statusChanged: {
        connect: (slot: (sender: unknown, status: string) => void) => this.#statusListeners.add(slot),
        disconnect: (slot: (sender: unknown, status: string) => void) => this.#statusListeners.delete(slot),
      },
      iopubMessage: {
        connect: (slot: (sender: unknown, message: IopubMessage) => void) => this.#iopubListeners.add(slot),
        disconnect: (slot: (sender: unknown, message: IopubMessage) => void) => this.#iopubListeners.delete(slot),
      },
      createComm: (): Comm => {
        const comm: Comm = {
          open: () => undefined,
          onClose: () => undefined,
          onMsg: () => undefined,
          send: (data) => {
            const command = data as Asked & { id: string };
            this.received.push(command);
            if (this.deaf.has(command.command)) return;
            if (command.command === "asset" && !(String(command.name) in this.assets)) return;
            const answer = this.#reply(command);
            setTimeout(async () => comm.onMsg({ content: { data: { id: command.id, ...(await answer) } } }), 5);
          },
        };
        return comm;
      },
    },
  };

  async #reply(command: { command: string }): Promise<object> {
    try {
      return {
        ok: true,
        result: await (this.answers.get(command.command) ?? ((it) => this.#answer(it as never)))(command),
      };
    } catch (error) {
      return { ok: false, error: { code: "usage", message: String((error as Error).message), hint: "Try another." } };
    }
  }

  #answer(command: Asked): unknown {
    if (command.command === "hello") return {};
    if (command.command === "asset") return gzipped(this.assets[String(command.name)] ?? "");
    if (command.command !== "resume") return {};
    return { runs: Object.fromEntries((command.runs ?? []).map(({ run, after }) => [run, this.#came(run, after)])) };
  }

  #came(run: string, after: number): unknown {
    const chunks = this.log.get(run) ?? [];
    const rest = chunks.slice(after);
    return { envelopes: rest.length ? [{ run, from: after + 1, to: chunks.length, chunks: rest }] : [] };
  }
}
