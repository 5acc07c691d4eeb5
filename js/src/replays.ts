/**
 * Events that a page lacks, asked for together: a long conversation would be hundreds of questions.
 *
 * The newest runs come first, as many with each answer as the kernel gives. What of a run comes by itself meanwhile is
 * held back until its replay is here.
 */
import type { RunState } from "./run.ts";
import type { Envelope, RunStatus } from "./view.ts";

/** A replay that brought nothing is asked for again after this many milliseconds. */
const RETRY_DELAY = 1_000;
/** Envelopes kept while a replay is under way; what falls out is asked for again. */
const HELD_LIMIT = 500;

interface Answer {
  runs?: Record<string, { envelopes?: Envelope[]; status?: RunStatus } | null>;
}

/** Who shows the runs. */
interface Owner {
  resume(args: Record<string, unknown>): Promise<unknown>;
  /** Takes events that continue a run. `live`: they happen now. */
  push(run: RunState, envelope: Envelope, live: boolean): void;
  /** Some runs are complete, or what was asked for failed. */
  settled(error?: unknown): void;
}

export class Replays {
  #held = new Map<string, Envelope[]>(); // by run that is being replayed: what came meanwhile
  #asking: RunState[] = [];
  #owner: Owner;
  #signal: AbortSignal;

  constructor(owner: Owner, signal: AbortSignal) {
    this.#owner = owner;
    this.#signal = signal;
  }

  /** Keeps an envelope of a run that is being replayed; false where it is not. */
  hold(run: RunState, envelope: Envelope): boolean {
    const held = this.#held.get(run.id);
    if (held?.push(envelope) === HELD_LIMIT) held.shift();
    return held !== undefined;
  }

  /** Asks for what comes after a run's cursor. `held`: what came and did not continue there. */
  ask(run: RunState, ...held: Envelope[]): void {
    if (this.#held.has(run.id)) return;
    this.#held.set(run.id, held);
    if (this.#asking.push(run) === 1) queueMicrotask(() => void this.#fetch(this.#asking.splice(0).reverse()));
  }

  async #fetch(asked: RunState[]): Promise<void> {
    let runs = asked;
    try {
      while (runs.length > 0 && !this.#signal.aborted) {
        const before = runs.map(({ cursor }) => cursor);
        const cursors = runs.map(({ id, cursor }) => ({ run: id, after: cursor }));
        const { runs: came = {} } = (await this.#owner.resume({ runs: cursors })) as Answer;
        const open = runs.filter((run) => !this.#isWhole(run, came[run.id]));
        this.#owner.settled();
        if (open.length === runs.length && runs.every(({ cursor }, index) => cursor === before[index]))
          await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
        runs = open;
      }
    } catch (error) {
      this.#owner.settled(error);
    } finally {
      for (const { id } of runs) this.#held.delete(id);
    }
  }

  /** Takes what came for a run, and what was held back; false where a gap is left. */
  #isWhole(run: RunState, came: { envelopes?: Envelope[]; status?: RunStatus } | null | undefined): boolean {
    if (came === undefined) return false; // it comes with the next answer
    if (came === null) return this.#held.delete(run.id); // the kernel's view does not show it any more
    for (const envelope of came.envelopes ?? [])
      if (envelope.from === run.cursor + 1) this.#owner.push(run, envelope, false);
    const held = (this.#held.get(run.id) ?? []).sort((one, other) => one.from - other.from);
    for (let next = held[0]; next; next = held[0]) {
      if (next.to > run.cursor) {
        if (next.from !== run.cursor + 1) return false;
        this.#owner.push(run, next, true);
      }
      held.shift();
    }
    if (came.status) run.setStatus(came.status);
    return this.#held.delete(run.id);
  }
}
