import { Alarm } from '@millrace/channel';
import type { Exit } from './exit.js';
import { Incarnation, launchKey } from './incarnation.js';
import { RestartPolicy } from './restart-policy.js';
import type { LaunchSpec } from './spec.js';

/** Milliseconds that a spare has to end, when the user's module holds SIGTERM off before it gets to `inherit`. */
const DISMISSAL_MS = 2_000;
/** What `ps` shows of a spare. */
const SPARE_TITLE = 'spare';

export interface SparesOptions {
  /** How many of each kind are kept. */
  readonly count: number;
  /** Comes before the word in the title. Default: none. */
  readonly title?: string | undefined;
  /** A spare has ended by itself; `delay` is how long the next waits to start, undefined when no more are kept. */
  readonly onExit: (exit: Exit, delay: number | undefined) => void;
  /** Something has changed that a waiter may look for. */
  readonly changed: () => void;
}

/** Those of one kind: any of them can become any member that is started in the same way. */
interface Kind {
  readonly launch: LaunchSpec;
  readonly spares: Set<Incarnation>;
  readonly policy: RestartPolicy;
  backOff: Alarm | undefined;
  givenUp: boolean;
}

/**
 * Processes that have booted Node and loaded the entry module as far as `inherit`, and wait there to be somebody.
 *
 * Notes. A spare that has not come as far is taken all the same: it is ahead of one that would be started now.
 */
export class Spares {
  readonly #options: SparesOptions;
  readonly #kinds = new Map<string, Kind>();
  /** On their way out. */
  readonly #dismissed = new Set<Incarnation>();
  #closed = false;

  constructor(options: SparesOptions) {
    this.#options = options;
  }

  /** Pids of those that are kept. */
  get pids(): number[] {
    return [...this.#kinds.values()].flatMap(({ spares }) => [...spares].map(({ pid }) => pid ?? 0));
  }

  /** How many have been loaded and wait. */
  get waiting(): number {
    return [...this.#kinds.values()].reduce(
      (sum, { spares }) => sum + [...spares].filter((spare) => spare.waiting).length,
      0,
    );
  }

  /** Whether no process is left of those that were ever kept here. */
  get gone(): boolean {
    return this.#dismissed.size === 0 && this.pids.length === 0;
  }

  /** Takes one that can be started as `launch` says, those that wait first. */
  take(launch: LaunchSpec): Incarnation | undefined {
    const spares = this.#kinds.get(launchKey(launch))?.spares;
    if (spares === undefined) return undefined;
    const taken = [...spares].find((spare) => spare.waiting) ?? [...spares].find((spare) => !spare.ended);
    if (taken !== undefined) spares.delete(taken);
    return taken;
  }

  /** Keeps as many as it should of each kind, and no other kinds. */
  fill(launches: Iterable<LaunchSpec>): void {
    if (this.#closed || this.#options.count === 0) return;
    const wanted = new Map([...launches].map((launch) => [launchKey(launch), launch]));
    for (const [key, launch] of wanted) {
      let kind = this.#kinds.get(key);
      if (kind === undefined) {
        const policy = new RestartPolicy();
        kind = { launch, spares: new Set(), policy, backOff: undefined, givenUp: false };
        this.#kinds.set(key, kind);
      }
      this.#fill(kind);
    }
    for (const [key, kind] of this.#kinds) if (!wanted.has(key)) this.#dismiss(key, kind);
  }

  /** Gives up those that there are: they have loaded what has changed since. */
  discard(): void {
    for (const [key, kind] of this.#kinds) this.#dismiss(key, kind);
  }

  /** Ends all of them, and keeps none from now on. */
  close(): void {
    this.#closed = true;
    this.discard();
  }

  /** Kills what has not ended. */
  kill(): void {
    for (const spare of this.#dismissed) spare.kill('SIGKILL');
  }

  #fill(kind: Kind): void {
    if (kind.givenUp || kind.backOff !== undefined) return;
    while (kind.spares.size < this.#options.count) this.#start(kind);
  }

  #start(kind: Kind): void {
    const { title } = this.#options;
    const startedAt = performance.now();
    const spare = new Incarnation(
      kind.launch,
      title === undefined ? SPARE_TITLE : `${title}: ${SPARE_TITLE}`,
    );
    // What it is kept for keeps the loop alive, or is not to.
    spare.keepLoop(false);
    kind.spares.add(spare);
    spare.listen({
      said: () => this.#options.changed(),
      ended: ({ code, signal, error }) => {
        this.#dismissed.delete(spare);
        if (kind.spares.delete(spare)) {
          const uptime = performance.now() - startedAt;
          const { pid, waiting: wasReady } = spare;
          const readyFor = wasReady ? uptime : 0;
          this.#ended(kind, { pid, code, signal, wasReady, uptime, readyFor, replaced: false, error });
        }
        this.#options.changed();
      },
    });
  }

  #ended(kind: Kind, exit: Exit): void {
    const decision = kind.policy.decide(exit, performance.now());
    kind.givenUp = decision.action !== 'restart';
    const delay = decision.action === 'restart' ? decision.delay : undefined;
    this.#options.onExit(exit, delay);
    if (delay === undefined || this.#closed) return;
    kind.backOff = new Alarm(delay, () => {
      kind.backOff = undefined;
      this.#fill(kind);
    }).unref();
  }

  #dismiss(key: string, kind: Kind): void {
    this.#kinds.delete(key);
    kind.backOff?.cancel();
    kind.givenUp = true;
    for (const spare of kind.spares) {
      this.#dismissed.add(spare);
      spare.dismiss();
      setTimeout(() => spare.kill('SIGKILL'), DISMISSAL_MS).unref();
    }
    kind.spares.clear();
  }
}
