import type { TimerHeap } from '@millrace/timer-heap';
import { MAX_DELAY_MS, MIN_DELAY_MS } from '@millrace/timer-heap';
import { CLOSING, progressRequest } from '../../shared/connection-layout.js';
import {
  ENDED_502,
  ENDED_503,
  ENDED_BY_CLOSE,
  ENDED_BY_RESET,
  ENDED_BY_RESTART,
} from '../../shared/counters-layout.js';
import type { ClientLink } from '../client.js';
import type { ReactorContext } from '../reactor-context.js';
import { fateOf, isAfter } from './fate.js';
import { goOn } from './handing-over.js';
import type { HttpClient } from './http-client.js';
import { BAD_GATEWAY, SERVICE_RESTART, UNAVAILABLE } from './last-words.js';
import { RequestRetries } from './request-retries.js';

/** Milliseconds that a client which has been told the end has for its own. */
const STAGES_MS = 2_000;
/** Milliseconds between two looks at what waits for a worker that is away for long. */
const LOOK_AGAIN_MS = 1_000;

/** What a client is told, by counter, and how the log says it of several. */
const ENDS = {
  'bad-gateway': [ENDED_502, 'requests in hand were answered 502'],
  unavailable: [ENDED_503, 'requests that waited were answered 503'],
  closed: [ENDED_BY_CLOSE, 'connections were closed behind their last answer'],
  reset: [ENDED_BY_RESET, 'connections were reset in the middle of an answer'],
  'going-away': [ENDED_BY_RESTART, 'WebSockets were closed with 1012'],
} as const;
const RETRIED_TEXT = 'requests in hand were given to another worker';

type End = keyof typeof ENDS;

/** How many clients came to each end, or none: their requests were given to another worker. */
type Tally = Map<End | 'retried', number>;

/** Tells the clients of a worker that has died what has become of their requests: never nothing, and never twice. */
export class WorkerDeaths {
  readonly #context: ReactorContext;
  readonly #timers: TimerHeap;
  readonly #retries: RequestRetries;
  /** By worker, while it is away: the timer after which what waits for it waits no longer. */
  readonly #away = new Map<ClientLink, number>();

  constructor(context: ReactorContext) {
    this.#context = context;
    this.#timers = context.reactor.timers;
    this.#retries = new RequestRetries(context, (worker) => this.#away.has(worker));
  }

  /**
   * The process of `worker` has its place no more, and what it has sent before has been taken. No other process has that place
   * before this returns: what it will read of a client that is told the end here, it finds closing.
   */
  died(worker: ClientLink): void {
    const tally: Tally = new Map();
    for (const client of this.#clientsOf(worker)) {
      const fate = fateOf(client, this.#context.table.progress(client.session));
      if (fate === 'goes-on') goOn(client);
      else if (fate !== 'bad-gateway' || !this.#retries.renew(client)) this.#end(client, fate, tally);
      else {
        count(tally, 'retried');
        this.#retries.giveToAnother(client, worker);
      }
    }
    this.#report(worker, 'died', tally);
    // It has taken something since the one before died, if only what it has died of.
    if (tally.size > 0) this.isBack(worker);
    if (!this.#away.has(worker)) this.#away.set(worker, this.#after(this.#context.data.maxWaitTime, worker));
  }

  /** What lay before `worker` was emptied after that, for it made no sense: what had not been taken of it is lost. */
  emptied(worker: ClientLink): void {
    const tally: Tally = new Map();
    for (const client of this.#clientsOf(worker)) {
      if (!isAfter(client.sent, progressRequest(this.#context.table.progress(client.session)))) continue;
      this.#end(client, endOfLost(client), tally);
    }
    this.#report(worker, 'was killed for what it wrote', tally);
  }

  /**
   * A process that had given its place up has ended, over clients of its own. Those that are between two requests `goOn` with the
   * process that has the place now; what it has not read nobody reads.
   */
  retiredDied(aside: ClientLink, goOn: (client: HttpClient) => void): void {
    const tally: Tally = new Map();
    for (const client of this.#clientsOf(aside)) {
      const word = this.#context.table.progress(client.session);
      const fate = fateOf(client, word);
      if (fate === 'bad-gateway' && this.#retries.renew(client)) {
        count(tally, 'retried');
        goOn(client);
        this.#retries.send(client);
      } else if (fate !== 'goes-on') this.#end(client, fate, tally);
      else if (progressRequest(word) !== client.sent) this.#end(client, endOfLost(client), tally);
      else goOn(client);
    }
    this.#report(aside, 'ended after it was replaced', tally);
  }

  /** The process that has its place takes messages. */
  isBack(worker: ClientLink): void {
    const timer = this.#away.get(worker);
    if (timer === undefined) return;
    this.#timers.clear(timer);
    this.#away.delete(worker);
  }

  /** Whether some worker has died and its replacement has not taken anything yet. */
  get someAway(): boolean {
    return this.#away.size > 0;
  }

  /** The last request of `client` was lost with the process before: no process has it. */
  lost(client: HttpClient): void {
    if (client.dropped || client.slot.state === CLOSING) return;
    const tally: Tally = new Map();
    const open = isAfter(client.sent, client.answered);
    const end = client.begun || client.upgraded ? 'reset' : open ? 'bad-gateway' : 'closed';
    this.#end(client, client.resumable ? endOfLost(client) : end, tally);
    this.#report(client.link, 'died', tally);
  }

  close(): void {
    for (const worker of [...this.#away.keys()]) this.isBack(worker);
  }

  #clientsOf(worker: ClientLink): HttpClient[] {
    const found: HttpClient[] = [];
    for (const client of this.#context.clients.all()) {
      const { http } = client;
      if (http === undefined || client.link !== worker || http.dropped) continue;
      if (client.slot.state !== CLOSING) found.push(http);
    }
    return found;
  }

  #after(ms: number, worker: ClientLink): number {
    const delay = Math.min(Math.max(ms, MIN_DELAY_MS), MAX_DELAY_MS);
    return this.#timers.after(delay, () => this.#stillAway(worker));
  }

  /** No process has come that takes anything. */
  #stillAway(worker: ClientLink): void {
    const tally: Tally = new Map();
    for (const client of this.#clientsOf(worker)) {
      if (!this.#isWaiting(client)) continue;
      const end = client.isStream || client.begun || client.upgraded ? 'reset' : 'unavailable';
      this.#end(client, client.resumable ? endOfLost(client) : end, tally);
    }
    this.#report(worker, 'is away for longer than maxWaitTime', tally);
    this.#away.set(worker, this.#after(Math.min(this.#context.data.maxWaitTime, LOOK_AGAIN_MS), worker));
  }

  /** Whether something of it is for a process to take. */
  #isWaiting(client: HttpClient): boolean {
    if (client.connection.inputBytes > 0 || client.waiting !== undefined) return true;
    // A message is not answered: it has been taken, or it waits.
    if (client.resumable)
      return progressRequest(this.#context.table.progress(client.session)) !== client.sent;
    return isAfter(client.sent, client.answered);
  }

  #end(client: HttpClient, end: End, tally: Tally): void {
    count(tally, end);
    this.#context.count(ENDS[end][0], 1);
    const state = client.ensureRare();
    state.closedFor = 'death';
    state.movedAt = this.#context.now();
    // First: the next process drops what it reads of a client that it finds so.
    client.slot.change({ state: CLOSING });
    const { connection } = client;
    if (end === 'reset') return connection.destroy({ reset: true });
    const words = lastWords(client, end);
    if (words !== undefined) client.write(words, 0, words.length, this.#context.now());
    if (connection.closed) return;
    client.drop();
    // In stages: a reset, for something that the client still sends, would take the answer from it.
    connection.end({ timeout: STAGES_MS });
  }

  #report(worker: ClientLink, what: string, tally: Tally): void {
    if (tally.size === 0) return;
    const ends = [...tally].map(
      ([end, clients]) => `${clients} ${end === 'retried' ? RETRIED_TEXT : ENDS[end][1]}`,
    );
    this.#context.log('worker-died', `Worker ${worker.worker} ${what}: ${ends.join(', ')}`);
  }
}

/** What becomes of a client of which something was lost that no process has taken. */
function endOfLost({ isStream, resumable, begun }: HttpClient): End {
  if (resumable && !begun) return 'going-away';
  return isStream || resumable ? 'reset' : 'bad-gateway';
}

function count(tally: Tally, end: End | 'retried'): void {
  tally.set(end, (tally.get(end) ?? 0) + 1);
}

function lastWords(client: HttpClient, end: Exclude<End, 'reset'>): Buffer | undefined {
  if (end === 'closed') return undefined;
  if (end === 'going-away') return SERVICE_RESTART;
  const { whole, head } = end === 'unavailable' ? UNAVAILABLE : BAD_GATEWAY;
  return client.cutter.isHead(client.answered + 1) ? head : whole;
}
