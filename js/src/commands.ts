/** What the page asks of the kernel, and what it is told. */

export interface Command {
  id: string;
  page: string;
  n: number;
  widget: string;
  command: string;
  [argument: string]: unknown;
}

export type Reply =
  | { id: string; ok: true; result: unknown }
  | { id: string; ok: false; error: { code: string; message: string; hint: string } };

/** The kernel refused a command, or it can no longer be reached. `message` and `hint` are sentences for the user. */
export class CommandError extends Error {
  override name = "CommandError";
  constructor(
    readonly code: string,
    message: string,
    readonly hint = "",
  ) {
    super(message);
  }
}

export function isReply(value: unknown): value is Reply {
  const reply = value as Partial<Reply> | null;
  return typeof reply === "object" && reply !== null && typeof reply.id === "string" && typeof reply.ok === "boolean";
}
