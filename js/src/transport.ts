/**
 * Commands to the kernel, on every route that works while a cell runs.
 *
 * A message on a widget's own comm waits for the running cell (ipykernel 6), or often does (7.4). So what the user did
 * goes out twice, on a comm that the page opened itself and on the control channel; the kernel drops doubles by id, and
 * the first answer counts. What the page only reads takes the other route when the first has not answered in time, since
 * each answer costs bytes. Where the page offers neither, the widget's own comm has to do.
 */
import { type Command, CommandError, isReply, type Reply } from "./commands.ts";
import type { AnyModel, Comm, Kernel } from "./host.ts";
import { kernelOf } from "./host.ts";
import { Words } from "./strings.ts";

export const COMM_TARGET = "copilot_widget.commands";
export const CONTROL_TYPE = "copilot_command";

/** How long a comm may wait for its subshell before it is opened without one, in milliseconds. */
const SUBSHELL_WAIT = 1_000;

/** Commands that only read, or are large, and how long their first route may take before the other one is tried, in
 * milliseconds. */
const READS = new Set(["hello", "resume", "complete", "asset", "deliver"]);
const READ_PATIENCE = 300;
/** So for pieces of files: to send a megabyte twice would take longer than to wait. */
const LARGE = new Set(["upload"]);
const LARGE_PATIENCE = 3_000;

export type Connection = "connected" | "reconnecting" | "gone";

interface Pending {
  command: Command;
  resolve(result: unknown): void;
  reject(error: CommandError): void;
}

/** This page, to the kernel; a reload makes it another one. */
export const page = randomId();
let count = 0;

/** One widget's line to its kernel. Every listener and timer of it ends with `signal`. */
export class Transport {
  #pending = new Map<string, Pending>();
  #model: AnyModel;
  #widget: string;
  #kernel: Kernel | null;
  #listeners = new Set<(connection: Connection) => void>();
  connection: Connection = "connected";

  constructor(model: AnyModel, widget: string, signal: AbortSignal) {
    this.#model = model;
    this.#widget = widget;
    this.#kernel = kernelOf(model);
    if (this.#kernel) this.#watch(this.#kernel, signal);
    void this.#watchModel(signal);
    signal.addEventListener("abort", () => this.#drop("closed", Words.ViewClosed));
  }

  #onReply = (reply: unknown): void => this.#settle(reply);

  /** Called with each change of the connection, until the transport ends. */
  listen(listener: (connection: Connection) => void): void {
    this.#listeners.add(listener);
  }

  /** Resolves with the kernel's result; rejects with CommandError. Waits as long as the kernel is there. */
  send(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.connection === "gone") return Promise.reject(gone());
    return this.#ask(command, args, (full) => this.#post(full));
  }

  /**
   * Asks a kernel that was started anew to go on with runs of this widget, of which it knows nothing. On the comm
   * alone, which a kernel without our extension refuses; then this does not resolve.
   */
  attach(args: Record<string, unknown>): Promise<unknown> {
    return this.#ask("attach", args, (full) => this.#kernel && this.#onComm(this.#kernel, full));
  }

  #ask(command: string, args: Record<string, unknown>, post: (command: Command) => void): Promise<unknown> {
    count += 1;
    const id = `${page}-${count}`;
    const full: Command = { ...args, id, page, n: count, widget: this.#widget, command };
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { command: full, resolve, reject });
      post(full);
    });
  }

  /** A message of the widget's own comm; true where it was the answer to a command. */
  receive(message: unknown): boolean {
    const isOurs = (message as { type?: unknown } | null)?.type === "reply";
    if (isOurs) this.#settle(message);
    return isOurs;
  }

  #post(command: Command): void {
    const kernel = this.#kernel;
    const onComm = kernel?.createComm ? this.#onComm(kernel, command) : "impossible";
    const patience = READS.has(command.command) ? READ_PATIENCE : LARGE.has(command.command) ? LARGE_PATIENCE : 0;
    if (kernel?.sendControlMessage && onComm === "sent" && patience > 0) {
      setTimeout(() => this.#pending.has(command.id) && this.#onControl(kernel, command), patience);
      return;
    }
    const onControl = kernel?.sendControlMessage ? this.#onControl(kernel, command) : false;
    if (onComm === "impossible" && !onControl) this.#model.send(command);
  }

  #onComm(kernel: Kernel, command: Command): "sent" | "waiting" | "impossible" {
    try {
      return CommRoute.of(kernel).send(command, this.#onReply) ? "sent" : "waiting";
    } catch {
      return "impossible"; // comms can be disabled for a connection
    }
  }

  #onControl(kernel: Kernel, command: Command): boolean {
    try {
      const future = kernel.sendControlMessage?.(controlMessage(kernel, command), true);
      if (future) future.onReply = (message) => this.#settle(message.content);
      return future !== undefined;
    } catch {
      return false; // a dead kernel throws
    }
  }

  #settle(value: unknown): void {
    if (!isReply(value)) return;
    const reply: Reply = value;
    const pending = this.#pending.get(reply.id);
    if (!pending) return; // the other route was faster
    this.#pending.delete(reply.id);
    if (reply.ok) pending.resolve(reply.result);
    else pending.reject(new CommandError(reply.error.code, reply.error.message, reply.error.hint));
  }

  // ---- the connection ---------------------------------------------------------------------------------

  #watch(kernel: Kernel, signal: AbortSignal): void {
    const onStatus = (_: unknown, status: string) => {
      if (/^(restarting|autorestarting|dead|terminating)$/.test(status)) this.#set("gone");
    };
    const onConnection = (_: unknown, status: string) => {
      if (this.connection === "gone") return;
      const again = status === "connected" && this.connection === "reconnecting";
      // A kernel that is shut down is never said to be dead: its connection is given up.
      this.#set(status === "connected" ? "connected" : kernel.isDisposed ? "gone" : "reconnecting");
      if (again) this.#resend();
    };
    kernel.statusChanged?.connect(onStatus);
    kernel.connectionStatusChanged?.connect(onConnection);
    signal.addEventListener("abort", () => {
      kernel.statusChanged?.disconnect(onStatus);
      kernel.connectionStatusChanged?.disconnect(onConnection);
    });
  }

  /** The widget manager marks its models dead when a kernel restarts; anywidget's proxy hides the mark. */
  async #watchModel(signal: AbortSignal): Promise<void> {
    try {
      const model = await this.#model.widget_manager?.get_model?.(this.#widget);
      model?.on?.("comm_live_update", () => {
        if (!signal.aborted && model.comm_live === false) this.#set("gone");
      });
    } catch {
      // another host, another manager: the kernel's status has to do
    }
  }

  #set(connection: Connection): void {
    if (this.connection === connection || this.connection === "gone") return;
    this.connection = connection;
    if (connection === "gone") this.#drop("kernel-gone", gone().message);
    for (const listener of this.#listeners) listener(connection);
  }

  /** What was sent while the line was cut may be lost; the kernel knows commands that arrive twice. */
  #resend(): void {
    for (const { command } of this.#pending.values()) this.#post(command);
  }

  #drop(code: string, message: string): void {
    for (const { reject } of this.#pending.values()) reject(new CommandError(code, message));
    this.#pending.clear();
  }
}

/** A comm that the page opens, one a kernel connection; what is sent before it is open waits in line. */
class CommRoute {
  static #routes = new WeakMap<Kernel, CommRoute>();

  /** The one of `kernel`, opened at its first use. Throws where the connection has no comms. */
  static of(kernel: Kernel): CommRoute {
    const known = CommRoute.#routes.get(kernel);
    const route = known && !known.#comm.isDisposed ? known : new CommRoute(kernel); // a restart disposes comms
    CommRoute.#routes.set(kernel, route);
    return route;
  }

  #comm: Comm;
  #waiting: Command[] | null = [];
  #listeners = new Map<string, (reply: unknown) => void>();

  private constructor(kernel: Kernel) {
    const comm = kernel.createComm?.(COMM_TARGET);
    if (!comm) throw new Error("no comms here");
    this.#comm = comm;
    comm.onMsg = (message) => this.#receive(message.content.data);
    comm.onClose = () => CommRoute.#routes.delete(kernel);
    void this.#open(kernel);
  }

  /** True where it went out, false where it waits for the comm to open. */
  send(command: Command, onReply: (reply: unknown) => void): boolean {
    this.#listeners.set(command.id, onReply);
    if (this.#waiting) this.#waiting.push(command);
    else this.#comm.send(command);
    return this.#waiting === null;
  }

  #receive(reply: unknown): void {
    if (!isReply(reply)) return;
    const listener = this.#listeners.get(reply.id);
    this.#listeners.delete(reply.id);
    listener?.(reply);
  }

  async #open(kernel: Kernel): Promise<void> {
    const waited = new Promise<void>((resolve) => setTimeout(resolve, SUBSHELL_WAIT));
    await Promise.race([this.#comm.subshellStarted, waited]).catch(() => undefined);
    try {
      this.#comm.open();
      for (const command of this.#waiting ?? []) this.#comm.send(command);
    } catch {
      CommRoute.#routes.delete(kernel); // the kernel went away meanwhile; the transport hears of it by itself
    }
    this.#waiting = null;
  }
}

function controlMessage(kernel: Kernel, content: Command): object {
  return {
    channel: "control",
    header: {
      msg_id: randomId(),
      msg_type: CONTROL_TYPE,
      session: kernel.clientId ?? page,
      username: kernel.username ?? "",
      version: "5.3",
      date: new Date().toISOString(),
    },
    parent_header: {},
    metadata: {},
    content,
    buffers: [],
  };
}

const gone = (): CommandError => new CommandError("kernel-gone", Words.KernelGone, Words.KernelGoneHint);

/** crypto.randomUUID is missing on pages served without TLS, as many notebook servers are. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
