import { setTimeout as sleep } from 'node:timers/promises';
import { pattern } from '../kinds/http-streams.js';
import { type Asked, CheckedConnection, question } from './asking.js';
import { type Counts, noCounts } from './counts.js';

export interface ChaosOptions {
  readonly port: number;
  readonly connections: number;
  /** Ends the run; every connection finishes the request that it has. */
  readonly signal: AbortSignal;
  /** Of the largest body; the others are of every length below. Default: 4,096. */
  readonly maxBody?: number;
  /** How long the program is to hold each request, so that kills find some in hand. Default: 0. */
  readonly delayMs?: number;
  /** How long a connection rests between its requests, so that kills find some at a boundary. Default: 0. */
  readonly restMs?: number;
  /** After which a request counts as late. Default: 10 s. */
  readonly timeoutMs?: number;
  /**
   * Asks again, over a new connection, what had no answer of its own, as clients with a retry do: until it has, and how often that
   * was is {@link ChaosClient.retried}. Default: does not.
   */
  readonly retries?: boolean;
  /** Called for whatever is not `ok`. */
  readonly onFailure?: (asked: Asked, id: string) => void;
}

/** How long a refused connection waits before it tries again. */
const AGAIN_MS = 20;

/** Keep-alive connections that each check every answer: its id, its body, and that nothing else comes. */
export class ChaosClient {
  readonly counts: Counts = noCounts();
  /** The processes that have answered, and when each did last. */
  readonly answered = new Map<number, number>();
  /** Requests that had their own answer when they were asked again. */
  retried = 0;
  readonly #options: ChaosOptions;
  /** Of each request that is not answered yet, the process that answered the one before it on its connection. */
  readonly #asked = new Map<number, number | undefined>();

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  /**
   * How many requests a process of these has in hand at most: those on connections that it answered last, or one that is gone, and
   * on new ones.
   */
  inHandOf(pid: number, all: readonly number[]): number {
    let count = 0;
    for (const before of this.#asked.values())
      if (before === undefined || before === pid || !all.includes(before)) count++;
    return count;
  }

  /** Asks until the signal, and returns the counts. */
  async run(): Promise<Counts> {
    const { connections } = this.#options;
    await Promise.all(Array.from({ length: connections }, (_, at) => this.#converse(at)));
    return this.counts;
  }

  /** How many requests or connections were not `ok`. */
  get failures(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, -this.counts.ok);
  }

  async #converse(at: number): Promise<void> {
    const {
      port,
      signal,
      retries,
      maxBody = 4096,
      delayMs = 0,
      restMs = 0,
      timeoutMs = 10_000,
    } = this.#options;
    let isAgain = false;
    for (let asked = 0; !signal.aborted; ) {
      using connection = await CheckedConnection.open(port);
      if (connection === undefined) {
        this.#count({ kind: 'refused', detail: '', goesOn: false }, `${at}`);
        await sleep(AGAIN_MS);
        continue;
      }
      let pid: number | undefined;
      for (let goesOn = true; goesOn && !signal.aborted; asked += isAgain ? 0 : 1) {
        const idle = restMs > 0 ? await connection.wait(restMs) : connection.idle();
        if (idle !== undefined) {
          this.#count(idle, `${at}-${asked}`);
          break;
        }
        const id = `${at}-${asked}`;
        const body = pattern((at * 31 + asked * 977) % (maxBody + 1));
        this.#asked.set(at, pid);
        const result = await connection.ask(question(id, body, delayMs), { timeoutMs });
        this.#asked.delete(at);
        pid = result.pid;
        this.#count(result, id);
        if (isAgain && result.kind === 'ok') this.retried++;
        isAgain = retries === true && result.kind !== 'ok';
        goesOn = result.goesOn;
      }
    }
  }

  #count(asked: Asked, id: string): void {
    this.counts[asked.kind]++;
    if (asked.pid !== undefined) this.answered.set(asked.pid, performance.now());
    if (asked.kind !== 'ok') this.#options.onFailure?.(asked, id);
  }
}
