import type { DispatchMode } from '../../options/options.js';
import type { ClientLink } from '../client.js';
import type { ReactorContext } from '../reactor-context.js';
import { engineIoOf, sessionOpenedBy } from './engine-io.js';
import { isAfter } from './fate.js';
import type { HttpClient } from './http-client.js';
import { hashBytes, type KeyPlace, RequestFields } from './request-fields.js';
import { StickTable } from './stick-table.js';

/** More than any worker has under way. */
const STUCK = 1e9;

const KEY_PLACES: ReadonlySet<DispatchMode> = new Set<KeyPlace>(['query', 'header', 'cookie']);
const BY_LOAD: ReadonlySet<DispatchMode> = new Set<DispatchMode>(['round-robin', 'idle', 'least-busy']);

/**
 * Which worker gets a request, where that is not the one that has its connection: the one that a value in it names, the one that has
 * the session of Socket.IO that it belongs to, or by the mode the one with the least to do.
 */
export class RequestDispatch {
  /** Whether each request is asked about, not only those with a query. */
  readonly ofEach: boolean;
  readonly #context: ReactorContext;
  readonly #fields = new RequestFields();
  readonly #place: KeyPlace | undefined;
  readonly #name: Buffer;
  readonly #mode: DispatchMode;
  readonly #byLoad: boolean;
  readonly #sessions: StickTable | undefined;
  #next = 0;

  constructor(context: ReactorContext) {
    const { dispatchMode, dispatchKey, stickTable, index, topology } = context.data;
    this.#context = context;
    this.#mode = dispatchMode;
    this.#place = KEY_PLACES.has(dispatchMode) ? (dispatchMode as KeyPlace) : undefined;
    this.#name = Buffer.from(
      this.#place === 'header' ? (dispatchKey ?? '').toLowerCase() : (dispatchKey ?? ''),
    );
    this.#byLoad = BY_LOAD.has(dispatchMode);
    this.ofEach = this.#place !== undefined || this.#byLoad;
    if (stickTable !== undefined) this.#sessions = new StickTable(stickTable, topology.reactors, index);
  }

  /**
   * The worker for a request that begins with these bytes; undefined: the one that has the client. `client.isBound` says whether
   * another one would not know what the request is about.
   */
  choose(client: HttpClient, bytes: Buffer, start: number, end: number): ClientLink | undefined {
    const named = this.#named(client, bytes, start, end);
    if (named !== undefined) {
      client.isBound = true;
      return named;
    }
    if (!this.#byLoad || !client.isBetween) return undefined;
    client.isBound = false;
    return this.#mode === 'round-robin' ? this.#nextInTurn() : this.#leastBusy(client);
  }

  #named(client: HttpClient, bytes: Buffer, start: number, end: number): ClientLink | undefined {
    const { workers } = this.#context.dispatcher;
    const fields = this.#fields;
    if (this.#place !== undefined && fields.find(this.#place, this.#name, bytes, start, end))
      // All servers choose alike: those behind another proxy, and the next run.
      return workers[hashBytes(bytes, fields.from, fields.to, 0) % workers.length];
    if (this.#sessions === undefined || !client.cutter.hasQuery) return undefined;
    const kind = engineIoOf(fields, bytes, start, end);
    if (kind === 'handshake') client.handshake = client.cutter.request;
    if (kind !== 'session') return undefined;
    return workers[this.#sessions.get(bytes, fields.from, fields.to)];
  }

  /** What a worker answers to a handshake says which session it has from then on. */
  learn(client: HttpClient, answer: Buffer, start: number, end: number): void {
    const id = sessionOpenedBy(answer, start, end);
    if (id !== undefined) {
      const bytes = Buffer.from(id);
      this.#sessions?.set(bytes, 0, bytes.length, client.at.worker);
    }
    if (id !== undefined || !isAfter(client.handshake, client.answered)) client.handshake = 0;
  }

  #nextInTurn(): ClientLink | undefined {
    const { allCounters, dispatcher } = this.#context;
    const { workers } = dispatcher;
    const first = Math.abs(allCounters.nextRound() % workers.length);
    for (let i = 0; i < workers.length; i++) {
      const worker = workers[(first + i) % workers.length] as ClientLink;
      if (worker.writable && !worker.isStuck) return worker;
    }
    return undefined;
  }

  /** Its own, where no other one has less to do: a process that does not know the client makes a socket for it first. */
  #leastBusy(client: HttpClient): ClientLink {
    const { workers } = this.#context.dispatcher;
    let best = client.at;
    let lowest = this.#load(best);
    for (let i = 0; i < workers.length && lowest > 0; i++) {
      const worker = workers[(this.#next + i) % workers.length] as ClientLink;
      const load = this.#load(worker);
      if (load >= lowest) continue;
      best = worker;
      lowest = load;
    }
    this.#next = best.worker + 1;
    return best;
  }

  #load(worker: ClientLink): number {
    if (!worker.writable) return Number.POSITIVE_INFINITY;
    return worker.underWay + (worker.isStuck ? STUCK : 0);
  }
}
