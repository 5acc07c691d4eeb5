/** What the kernel asks of this page: operations on the notebook's document. Each is taken first, so that one page acts. */
import { loadAsset } from "./asset.ts";
import { CommandError } from "./commands.ts";
import type { AnyModel } from "./host.ts";
import type { Services } from "./markdown/services.ts";
import { page, type Transport } from "./transport.ts";

/** A message of the kernel; `op` says what to do, other fields with what. */
export interface Request {
  type: "request";
  id: string;
  page: string;
  op: string;
  [argument: string]: unknown;
}

/** Why nothing was done: see Refusal in protocol/commands.py. */
export interface Refusal {
  code: string;
  message: string;
}

export interface DocumentPart {
  /** Does one operation on the document; rejects with a Refusal where it does nothing. */
  act(model: AnyModel, widgets: readonly string[], request: Request): Promise<unknown>;
}

const isRequest = (message: unknown): message is Request =>
  (message as { type?: unknown } | null)?.type === "request" && typeof (message as Request).id === "string";

export class Requests {
  #seen = new Set<string>();

  constructor(
    private model: AnyModel,
    private widgets: readonly string[],
    private transport: Pick<Transport, "send">,
    private services: Pick<Services, "fetchAsset">,
  ) {}

  /** True where the message is a request, be it for this page or another. */
  receive(message: unknown): boolean {
    if (!isRequest(message)) return false;
    void this.#serve(message);
    return true;
  }

  /** Undoes a change, or makes it again; the reason, in words, where it could not be. */
  async undo(run: string, callId: string): Promise<string> {
    try {
      const { request } = (await this.transport.send("undo", { run, callId })) as { request?: unknown };
      return isRequest(request) ? await this.#serve(request) : "The kernel does not know how.";
    } catch (error) {
      return error instanceof CommandError ? `${error.message} ${error.hint}`.trim() : String(error);
    }
  }

  /** Resolves with why nothing was done, in words; "" where it was. */
  async #serve(request: Request): Promise<string> {
    if (request.page !== page || this.#seen.has(request.id)) return "This page was not asked.";
    this.#seen.add(request.id);
    try {
      await this.transport.send("take", { request: request.id });
    } catch (error) {
      return error instanceof Error ? error.message : String(error); // another page has it, or nobody waits any more
    }
    const outcome = await this.#act(request);
    // Should the kernel not hear of it, it says that the outcome is not known.
    await this.transport.send("deliver", { request: request.id, ...outcome }).catch(() => undefined);
    return outcome.error?.message ?? "";
  }

  async #act(request: Request): Promise<{ result?: unknown; error?: Refusal }> {
    try {
      const { act } = await loadAsset<DocumentPart>("document.js", this.services.fetchAsset);
      return { result: await act(this.model, this.widgets, request) };
    } catch (error) {
      return { error: refusalOf(error) };
    }
  }
}

function refusalOf(error: unknown): Refusal {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "string") return { code, message: String(message) };
  return { code: "failed", message: `The page could not do it: ${String(message ?? error).slice(0, 500)}` };
}
