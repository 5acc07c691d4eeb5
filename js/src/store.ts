/**
 * What one widget shows, kept up to date from the kernel's messages; shared by all views of a model.
 *
 * Messages can be lost without a trace and come twice, so each run has a cursor: an envelope that does not continue
 * there is not taken, and the missing events are asked for.
 */
import { CommandError } from "./commands.ts";
import type { UIMessageChunk } from "./protocol-types.ts";
import { Replays } from "./replays.ts";
import { RunState } from "./run.ts";
import { selectionFor } from "./selection.ts";
import { type Envelope, isEnvelope, type RunStatus, TERMINAL, type Turn, toView, type View } from "./view.ts";

/** The kernel as the store needs it; see Transport. */
export interface Line {
  readonly connection: "connected" | "reconnecting" | "gone";
  send(command: string, args?: Record<string, unknown>): Promise<unknown>;
  listen(listener: (connection: Line["connection"]) => void): void;
}

/** A message that the user sent and the kernel has not confirmed yet. */
export interface Sending {
  text: string;
  error: CommandError | null;
}

/** What a command told: this page's alone, and no part of the conversation. */
export interface Note {
  id: number;
  command: string;
  markdown: string;
  /** The turn that was the last one then; "" for none. */
  after: string;
}

/** Without an answer for this long, Stop waits for the running cell; in milliseconds. */
const STOP_PATIENCE = 400;

export type StopState = "idle" | "sent" | "late";

export class Store {
  view: View;
  sending: Sending[] = [];
  notes: Note[] = [];
  /** The turn whose message is being edited. */
  editing: Turn | null = null;
  /** Messages and commands that were sent from this page. */
  sent = 0;
  #typed: string[] = [];
  #notesMade = 0;
  /** "late": the kernel has not answered yet, the user is told why. */
  stopping: StopState = "idle";
  /** Approvals that were answered here and that the stream has not confirmed: approval id → what went wrong, or "". */
  readonly answering = new Map<string, string>();
  #runs = new Map<string, RunState>();
  #replays: Replays;
  #listeners = new Set<(urgent: boolean) => void>();
  #line: Line;

  /** Turns that a store before this one showed, and this kernel does not know. */
  #kept: Turn[] = [];

  /** `before`: what the page knew until the kernel was restarted; its runs go on from there. */
  constructor(initial: unknown, line: Line, signal: AbortSignal, before?: Store) {
    this.view = toView(initial);
    if (before) this.#inherit(before);
    this.#line = line;
    this.#replays = new Replays(
      {
        resume: (args) => line.send("resume", args),
        push: (run, envelope, live) => this.#push(run, envelope, live),
        settled: (error) => (error ? this.#refused(error) : this.#changed()),
      },
      signal,
    );
    line.listen((connection) => {
      if (connection === "connected") void this.#catchUp();
      this.#changed();
    });
  }

  /** Asks for the view as it is now, and for every event that this page lacks. */
  start(): void {
    void this.#catchUp();
  }

  #inherit(before: Store): void {
    for (const [id, run] of before.#runs) this.#runs.set(id, run);
    this.#kept = before.view.turns.filter(({ id }) => !this.view.turns.some((turn) => turn.id === id));
    for (const turn of this.#kept) this.run(turn)?.setStatus("stopped"); // it ended with its kernel
    this.view = { ...this.view, turns: [...this.#kept, ...this.view.turns] };
  }

  get connection(): Line["connection"] {
    return this.#line.connection;
  }

  /** `urgent`: the change answers something that the user did. */
  subscribe(listener: (urgent: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  run(turn: Turn): RunState | undefined {
    return turn.run === null ? undefined : this.#runs.get(turn.run);
  }

  /** The status of a turn: the stream knows it first. */
  status(turn: Turn): RunStatus {
    return this.run(turn)?.status ?? turn.status;
  }

  /** The turn that goes on, or undefined: the one that Stop means. */
  get active(): Turn | undefined {
    return this.view.turns.find((turn) => turn.run !== null && !TERMINAL.has(turn.status) && !this.run(turn)?.ended);
  }

  /** Runs that go on although the kernel is gone. */
  get elsewhere(): string[] {
    const goesOn = this.view.turns.filter((turn) => turn.elsewhere && !TERMINAL.has(this.status(turn)));
    return goesOn.flatMap(({ run }) => run ?? []);
  }

  // ---- from the kernel --------------------------------------------------------------------------------

  /** A custom message; whatever is not understood is left alone. */
  receive(message: unknown): void {
    if (isEnvelope(message)) this.#take(message);
    const { type, turn, view, run, chunks, replaces } = (message ?? {}) as Told;
    if (type === "turn" && turn) this.#upsert(turn, replaces);
    else if (type === "view") this.#setView(view);
    else if (type === "aside" && run && this.#runs.get(run)?.hear(chunks ?? [])) this.#changed();
  }

  #setView(stated: unknown): void {
    const before = this.view.turns;
    this.view = toView(stated, this.view);
    if (this.view.turns !== before) {
      this.#fillGaps();
      this.view = { ...this.view, turns: [...this.#kept, ...this.view.turns] };
    }
    this.#changed();
  }

  /** `replaces`: the turn whose place it takes. */
  #upsert(turn: Turn, replaces?: string | null): void {
    const turns = [...this.view.turns];
    const index = turns.findIndex(({ id }) => id === turn.id);
    const place = index < 0 ? turns.findIndex(({ id }) => id === replaces) : index;
    turns.splice(place < 0 ? turns.length : place, 1, turn);
    if (index < 0) this.#confirm(turn);
    this.view = { ...this.view, turns };
    this.#fillGap(turn); // a quick run may have ended before this widget watched it: no envelope of it comes
    this.#changed();
  }

  /** A turn may be stated before the command that made it is answered: its message must not show twice. */
  #confirm(turn: Turn): void {
    const text = turn.user.parts.find((part) => part.type === "text")?.text;
    const confirmed = this.sending.find((sending) => sending.text === text && !sending.error);
    if (confirmed) this.dismiss(confirmed);
  }

  #track(turn: Turn): RunState | undefined {
    if (turn.run === null) return undefined;
    let run = this.#runs.get(turn.run);
    if (!run) {
      run = new RunState(turn.run, TERMINAL.has(turn.status) ? "running" : turn.status);
      this.#runs.set(turn.run, run);
    }
    // A status ahead of the events would show an end without its text: it counts once the events are here.
    if (run.cursor >= turn.seq || turn.status === "queued") run.setStatus(turn.status);
    return run;
  }

  #take(envelope: Envelope): void {
    const run = this.#runs.get(envelope.run) ?? new RunState(envelope.run, "running");
    this.#runs.set(envelope.run, run); // its turn may still be on its way
    if (envelope.to <= run.cursor || this.#replays.hold(run, envelope)) return;
    if (envelope.from === run.cursor + 1) this.#push(run, envelope, true);
    else this.#replays.ask(run, envelope);
  }

  #push(run: RunState, envelope: Envelope, live: boolean): void {
    run.push(envelope, live);
    if (run.ended && this.stopping !== "idle") this.stopping = "idle";
    for (const part of run.message.parts) {
      if (this.answering.size === 0) break;
      if ("approval" in part && part.approval && part.state !== "approval-requested")
        this.answering.delete(part.approval.id);
    }
    this.#changed();
  }

  // ---- what is missing -----------------------------------------------------------------------------------------

  /** What is missing is known by the kernel's count of events: to ask for a replay that brings nothing costs bytes, and
   * what comes meanwhile would have to wait for it. */
  async #catchUp(): Promise<void> {
    this.#fillGaps();
    try {
      this.#setView(await this.#line.send("hello"));
    } catch (error) {
      this.#refused(error);
    }
  }

  #fillGaps(): void {
    for (const turn of this.view.turns) this.#fillGap(turn);
  }

  #fillGap(turn: Turn): void {
    const run = this.#track(turn);
    if (run && run.cursor < turn.seq) this.#replays.ask(run);
  }

  #refused(error: unknown): void {
    if (!(error instanceof CommandError)) throw error;
    if (error.code === "kernel-gone" || error.code === "closed") return;
    this.view = { ...this.view, notice: [error.message, error.hint].filter(Boolean).join(" ") };
    this.#changed();
  }

  // ---- from the user ----------------------------------------------------------------------------------

  /**
   * Sends a message, or gives a command. It is shown at once; should the kernel refuse it, it stays there with the
   * reason, and the result is false. `files`: what goes along, once it is there.
   */
  async send(text: string, files?: Promise<unknown[]>): Promise<boolean> {
    const replaces = this.editing?.run;
    this.editing = null;
    if (text.trim()) this.#typed.push(text);
    return this.#send(text, replaces, files);
  }

  /** Gives a command for which nobody typed: what is written or edited meanwhile stays. */
  give(command: string): void {
    void this.#send(command);
  }

  async #send(text: string, replaces?: string | null, files?: Promise<unknown[]>): Promise<boolean> {
    const sending: Sending = { text, error: null };
    const selection = selectionFor(text);
    this.sent += 1;
    // A command that was refused is not news any more.
    this.sending = [...this.sending.filter((other) => !(other.error && other.text.startsWith("/"))), sending];
    this.#changed(true);
    try {
      const attachments = files ? await files : []; // without any it goes out at once
      const args = {
        text,
        ...(selection && { selection }),
        ...(attachments.length > 0 && { attachments }),
        ...(replaces && { replaces }),
      };
      this.#answered(text, await this.#line.send("send", args));
      this.sending = this.sending.filter((other) => other !== sending);
    } catch (error) {
      sending.error = asCommandError(error);
    }
    this.#changed(true);
    return !sending.error;
  }

  #answered(text: string, result: unknown): void {
    const { turn, note, replaces } = result as { turn?: Turn; note?: string; replaces?: string | null };
    if (turn && !this.view.turns.some(({ id }) => id === turn.id)) this.#upsert(turn, replaces);
    if (note === undefined) return;
    this.#notesMade += 1;
    const after = this.view.turns.at(-1)?.id ?? "";
    this.notes = [...this.notes, { id: this.#notesMade, command: text.trim(), markdown: note, after }];
  }

  /** regenerate: asks for another answer in the place of a turn's · withdraw: takes a message back from the queue. */
  async act(command: "regenerate" | "withdraw", turn: Turn): Promise<void> {
    try {
      this.#answered("", await this.#line.send(command, { run: turn.run }));
    } catch (error) {
      this.#refused(error);
    }
    this.#changed(true);
  }

  /** Begins to edit a turn's message; null ends it. */
  edit(turn: Turn | null): void {
    this.editing = turn;
    this.#changed(true);
  }

  dismissNote(note: Note): void {
    this.notes = this.notes.filter((other) => other !== note);
    this.#changed(true);
  }

  /** What was sent from this page, the last at the end. */
  get typed(): readonly string[] {
    return this.#typed;
  }

  /** A command that changes nothing of what is shown: what can stand at the caret, a piece of a file. */
  command(name: string, args: Record<string, unknown>): Promise<unknown> {
    return this.#line.send(name, args);
  }

  /** Takes a message that was refused out of the view, so that it can be edited. */
  dismiss(sending: Sending): void {
    this.sending = this.sending.filter((other) => other !== sending);
    this.#changed(true);
  }

  /** Goes on with a kept conversation, or, with null, begins a new one. */
  async reopen(thread: string | null): Promise<void> {
    try {
      await this.#line.send("reopen", { thread });
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Stops the turn that goes on. */
  async stop(): Promise<void> {
    const turn = this.active;
    if (!turn || this.stopping !== "idle") return;
    this.stopping = "sent";
    const timer = setTimeout(() => {
      if (this.stopping === "sent") this.stopping = "late";
      this.#changed(true);
    }, STOP_PATIENCE);
    this.#changed(true);
    try {
      await this.#line.send("stop", { run: turn.run });
    } catch (error) {
      this.#refused(error);
    } finally {
      clearTimeout(timer);
      this.stopping = "idle";
      this.#changed(true);
    }
  }

  /** Answers an approval. The card stays until the stream confirms it. */
  async approve(run: string, approvalId: string, approved: boolean, more: AnswerOptions = {}): Promise<void> {
    const args = { run, approvalId, approved, scope: "once", ...more };
    await this.#answer(approvalId, () => this.#line.send("approve", args));
  }

  /** Answers a question of the model: the call of ask_user. */
  async reply(run: string, callId: string, output: string): Promise<void> {
    await this.#answer(callId, () => this.#line.send("answer", { run, callId, output }));
  }

  /** Sends an answer, once, and keeps what became of it under what it is an answer to. */
  async #answer(id: string, send: () => Promise<unknown>): Promise<void> {
    if (this.answering.get(id) === "") return; // a second click
    this.answering.set(id, "");
    this.#changed(true);
    try {
      await send();
    } catch (error) {
      const { code, message } = asCommandError(error);
      if (code === "answered") this.answering.delete(id);
      else this.answering.set(id, message);
    }
    this.#changed(true);
  }

  #changed(urgent = false): void {
    for (const listener of this.#listeners) listener(urgent);
  }
}

/** A custom message that is no envelope. */
interface Told {
  type?: unknown;
  turn?: Turn;
  view?: unknown;
  run?: string;
  chunks?: UIMessageChunk[];
  /** The turn whose place `turn` takes. */
  replaces?: string | null;
}

/** What goes with an answer: how far consent goes, why it was denied, the arguments to run instead. */
export interface AnswerOptions {
  scope?: "once" | "run" | "session" | "same";
  reason?: string;
  digest?: string;
  input?: Record<string, unknown>;
}

const asCommandError = (error: unknown): CommandError =>
  error instanceof CommandError ? error : new CommandError("internal", String(error));
