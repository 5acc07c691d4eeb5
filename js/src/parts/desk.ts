/** On demand: serves the kernel's requests. Each is taken first, so that one page acts. */
import type { AnyModel } from "../host.ts";
import type { Request } from "../requests.ts";
import { pageFailed, Words } from "../strings.ts";
import type { Transport } from "../transport.ts";
import { act, type Refusal } from "./document.ts";

export class Desk {
  #seen = new Set<string>();

  constructor(
    private model: AnyModel,
    private widgets: readonly string[],
    private send: Transport["send"],
  ) {}

  /** Resolves with why nothing was done, in words; "" where it was. */
  async serve(request: Request): Promise<string> {
    if (this.#seen.has(request.id)) return Words.AskedBefore;
    this.#seen.add(request.id);
    try {
      await this.send("take", { request: request.id });
    } catch (error) {
      return wordsOf(error); // another page has it, or nobody waits any more
    }
    const outcome = await this.#act(request);
    // Should the kernel not hear of it, it says that the outcome is not known.
    await this.send("deliver", { request: request.id, ...outcome }).catch(() => undefined);
    return outcome.error?.message ?? "";
  }

  /** Undoes a change, or makes it again; the reason, in words, where it could not be. */
  async undo(run: string, callId: string): Promise<string> {
    try {
      const { request } = (await this.send("undo", { run, callId })) as { request?: Request };
      return request ? await this.serve(request) : Words.KernelCannot;
    } catch (error) {
      return wordsOf(error);
    }
  }

  async #act(request: Request): Promise<{ result?: unknown; error?: Refusal }> {
    try {
      return { result: await act(this.model, this.widgets, request) };
    } catch (error) {
      return { error: refusalOf(error) };
    }
  }
}

export const openDesk = (...place: ConstructorParameters<typeof Desk>): Desk => new Desk(...place);

function refusalOf(error: unknown): Refusal {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "string") return { code, message: String(message) };
  return { code: "failed", message: pageFailed(String(message ?? error).slice(0, 500)) };
}

/** Of a command that the kernel refused. */
function wordsOf(error: unknown): string {
  const { message, hint } = (error ?? {}) as { message?: unknown; hint?: unknown };
  return [message ?? error, hint].filter(Boolean).join(" ");
}
