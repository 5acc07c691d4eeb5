/** What the kernel asks of this page: operations on the notebook's document. Whoever does them comes with the first. */
import { loadAsset } from "./asset.ts";
import type { AnyModel } from "./host.ts";
import type { Services } from "./markdown/services.ts";
import type { Desk } from "./parts/desk.ts";
import { page, type Transport } from "./transport.ts";

/** A message of the kernel; `op` says what to do, other fields with what. */
export interface Request {
  type: "request";
  id: string;
  page: string;
  op: string;
  [argument: string]: unknown;
}

/** The part "document.js". */
export interface DocumentPart {
  openDesk(model: AnyModel, widgets: readonly string[], send: Transport["send"]): Desk;
}

export class Requests {
  #desk: Desk | undefined;

  constructor(
    private model: AnyModel,
    private widgets: readonly string[],
    private transport: Pick<Transport, "send">,
    private services: Pick<Services, "fetchAsset">,
  ) {}

  /** True where the message is a request, be it for this page or another. */
  receive(message: unknown): boolean {
    const request = message as Request | null;
    const isOurs = request?.type === "request";
    if (isOurs && request.page === page) this.#open().then((desk) => desk.serve(request), String); // else the kernel says that no page has answered
    return isOurs;
  }

  /** Undoes a change, or makes it again; the reason, in words, where it could not be. */
  undo(run: string, callId: string): Promise<string> {
    return this.#open().then((desk) => desk.undo(run, callId), String);
  }

  async #open(): Promise<Desk> {
    const { openDesk } = await loadAsset<DocumentPart>("document.js", this.services.fetchAsset);
    this.#desk ??= openDesk(this.model, this.widgets, (...command) => this.transport.send(...command));
    return this.#desk;
  }
}
