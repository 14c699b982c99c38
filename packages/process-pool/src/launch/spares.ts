import { Alarm } from '@millrace/channel/internal';
import { ChildHandle, launchKey } from './child-handle.js';
import type { Exit } from './exit.js';
import { RestartPolicy } from './restart-policy.js';
import type { LaunchSpec } from './spec.js';

/** Milliseconds until a dismissed spare is killed, whose module holds SIGTERM off. */
const DISMISSAL_MS = 2_000;
/** For so many milliseconds after a process was killed before it was ready, spares of its kind are left alone until they have loaded. */
const CAUTION_MS = 5_000;
/** What `ps` shows of a spare. */
const SPARE_TITLE = 'spare';

export interface SparesOptions {
  /** How many of each kind are kept. */
  readonly count: number;
  /** Comes before the word in the title. Default: none. */
  readonly title?: string | undefined;
  /** A spare has ended by itself; the next starts in `delay` milliseconds, undefined: no more are kept. */
  readonly onExit: (exit: Exit, delay: number | undefined) => void;
  /** The number of spares, or how many of them are loaded, has changed. */
  readonly changed: () => void;
}

/** The spares with one {@link launchKey}: each can be assigned to any member with that key. */
interface Kind {
  readonly launch: LaunchSpec;
  readonly spares: Set<ChildHandle>;
  readonly policy: RestartPolicy;
  backOff: Alarm | undefined;
  givenUp: boolean;
  cautiousUntil: number;
}

/**
 * Unassigned processes that have booted Node and loaded the entry module as far as `inherit`, and wait there.
 *
 * Notes. A spare that still loads is taken all the same: it is ahead of a process that would be started now.
 */
export class Spares {
  readonly #options: SparesOptions;
  readonly #kinds = new Map<string, Kind>();
  /** Told to end, and still there. */
  readonly #dismissed = new Set<ChildHandle>();
  #closed = false;

  constructor(options: SparesOptions) {
    this.#options = options;
  }

  /** Pids of those that are kept. */
  get pids(): number[] {
    return [...this.#kinds.values()].flatMap(({ spares }) => [...spares].map(({ pid }) => pid ?? 0));
  }

  /** How many have loaded their entry module. */
  get loaded(): number {
    return [...this.#kinds.values()].reduce(
      (sum, { spares }) => sum + [...spares].filter((spare) => spare.isLoaded).length,
      0,
    );
  }

  /** Whether every spare that was ever started has ended or been taken. */
  get gone(): boolean {
    return this.#dismissed.size === 0 && this.pids.length === 0;
  }

  /** Takes a spare for `launch`, a loaded one if there is any. */
  take(launch: LaunchSpec): ChildHandle | undefined {
    const kind = this.#kinds.get(launchKey(launch));
    if (kind === undefined) return undefined;
    const { spares } = kind;
    const isCautious = performance.now() < kind.cautiousUntil;
    const taken =
      [...spares].find((spare) => spare.isLoaded) ??
      (isCautious ? undefined : [...spares].find((spare) => !spare.ended));
    if (taken !== undefined) spares.delete(taken);
    if (isCautious && !this.#closed) this.#fill(kind);
    return taken;
  }

  /**
   * A process for `launch` was killed before it was ready. What kills again and again, the out-of-memory killer or a test, may do so more
   * quickly than a process loads; a spare that loads is not in its way, as long as it has no name.
   */
  killedEarly(launch: LaunchSpec): void {
    const kind = this.#kinds.get(launchKey(launch));
    if (kind !== undefined) kind.cautiousUntil = performance.now() + CAUTION_MS;
  }

  /** Keeps `count` spares for each of these, and ends those for others. */
  fill(launches: Iterable<LaunchSpec>): void {
    if (this.#closed || this.#options.count === 0) return;
    const wanted = new Map([...launches].map((launch) => [launchKey(launch), launch]));
    for (const [key, launch] of wanted) {
      let kind = this.#kinds.get(key);
      if (kind === undefined) {
        const policy = new RestartPolicy();
        kind = { launch, spares: new Set(), policy, backOff: undefined, givenUp: false, cautiousUntil: 0 };
        this.#kinds.set(key, kind);
      }
      this.#fill(kind);
    }
    for (const [key, kind] of this.#kinds) if (!wanted.has(key)) this.#dismiss(key, kind);
  }

  /** Ends all spares: their modules may have changed on disk. */
  discard(): void {
    for (const [key, kind] of this.#kinds) this.#dismiss(key, kind);
  }

  /** Ends all spares and starts no more. */
  close(): void {
    this.#closed = true;
    this.discard();
  }

  /** Kills dismissed spares that have not ended. */
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
    const spare = new ChildHandle(
      kind.launch,
      title === undefined ? SPARE_TITLE : `${title}: ${SPARE_TITLE}`,
      false,
    );
    // The members keep the loop alive, not their spares.
    spare.keepLoop(false);
    kind.spares.add(spare);
    spare.observe({
      message: () => this.#options.changed(),
      ended: ({ code, signal, error }) => {
        this.#dismissed.delete(spare);
        if (kind.spares.delete(spare)) {
          const uptime = performance.now() - startedAt;
          const { pid, isLoaded: wasReady } = spare;
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
