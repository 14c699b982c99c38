import type { DispatchMode } from '../options.js';
import { FLAG_BOUND } from '../shared/connection-layout.js';
import type { Counters } from '../shared/counters.js';
import type { Client } from './client.js';
import { hashHost } from './hash-host.js';
import type { WorkerLink } from './worker-link.js';

/** Who gets what, in one reactor thread. This class is `'fixed'`: all messages of a session go to its own worker. */
export class Dispatcher {
  protected readonly workers: readonly WorkerLink[];

  constructor(workers: readonly WorkerLink[]) {
    this.workers = workers;
  }

  /** The worker of a new session's own: it gets `connect` and `close`. */
  home(session: number, _host: string): WorkerLink {
    return this.at(session);
  }

  /** Whether a message of `client` can be taken now; if not, the client is held until that may have changed. */
  ready(client: Client): boolean {
    return readyFor(client.home, client);
  }

  /** The worker for a message, or what becomes of it otherwise. */
  pick(client: Client, _memory: Buffer, _start: number, _end: number): WorkerLink | 'discard' | 'close' {
    return client.home;
  }

  /** The worker for a datagram. */
  pickForHost(host: string): WorkerLink {
    return this.at(hashHost(host));
  }

  protected at(number: number): WorkerLink {
    return this.workers[number % this.workers.length] as WorkerLink;
  }

  /** The worker with the lowest `measure`, the first such from `start` on. */
  protected least(start: number, measure: (worker: WorkerLink) => number): WorkerLink {
    let best = this.at(start);
    let lowest = measure(best);
    for (let i = 1; i < this.workers.length && lowest > 0; i++) {
      const worker = this.at(start + i);
      const value = measure(worker);
      if (value >= lowest) continue;
      best = worker;
      lowest = value;
    }
    return best;
  }
}

class ByAddress extends Dispatcher {
  override home(session: number, host: string): WorkerLink {
    // The clients of a unix socket have no address.
    return this.at(host === '' ? session : hashHost(host));
  }
}

class LeastConnections extends Dispatcher {
  override home(session: number): WorkerLink {
    return this.least(session, (worker) => worker.connections);
  }
}

/** Messages go to the worker of the session's uid; before it has one, to the session's own. */
class ByUid extends Dispatcher {
  override ready(client: Client): boolean {
    return readyFor(this.pick(client), client);
  }

  override pick(client: Client): WorkerLink {
    const { flags, uid } = client.slot;
    return flags & FLAG_BOUND ? this.at(uid >>> 0) : client.home;
  }
}

/** Each message may go to any worker, so clients are held only when none has room. */
class Anywhere extends Dispatcher {
  override ready(client: Client): boolean {
    for (const worker of this.workers) if (worker.writable) return true;
    for (const worker of this.workers) worker.hold(client);
    return false;
  }
}

class RoundRobin extends Anywhere {
  readonly #counters: Counters;

  constructor(workers: readonly WorkerLink[], counters: Counters) {
    super(workers);
    this.#counters = counters;
  }

  /** A worker whose ring is full loses its turn: the others need not wait for it. */
  override pick(): WorkerLink {
    const first = this.#counters.nextRound();
    for (let i = 0; i < this.workers.length; i++) {
      const worker = this.at(first + i);
      if (worker.writable) return worker;
    }
    return this.at(first);
  }

  override pickForHost(): WorkerLink {
    return this.pick();
  }
}

const underWay = (worker: WorkerLink) => worker.underWay;

/** The next worker with nothing to do, from the one after the last; where none is idle, the one with the least. */
class Idle extends Anywhere {
  #next = 0;

  override pick(): WorkerLink {
    const worker = this.least(this.#next, underWay);
    this.#next = worker.worker + 1;
    return worker;
  }

  override pickForHost(): WorkerLink {
    return this.pick();
  }
}

/** The worker with the least to do; among equals the session's own. */
class LeastBusy extends Anywhere {
  override pick(client: Client): WorkerLink {
    return this.least(client.home.worker, underWay);
  }

  override pickForHost(host: string): WorkerLink {
    return this.least(hashHost(host), underWay);
  }
}

/** Makes the dispatcher of a mode that needs no function of the user's. */
export function createDispatcher(
  mode: Exclude<DispatchMode, 'function'>,
  workers: readonly WorkerLink[],
  counters: Counters,
): Dispatcher {
  switch (mode) {
    case 'fixed':
      return new Dispatcher(workers);
    case 'ip':
      return new ByAddress(workers);
    case 'least-connections':
      return new LeastConnections(workers);
    case 'uid':
      return new ByUid(workers);
    case 'round-robin':
      return new RoundRobin(workers, counters);
    case 'idle':
      return new Idle(workers);
    case 'least-busy':
      return new LeastBusy(workers);
  }
}

/** Whether `worker` has room; if not, `client` waits for it. */
export function readyFor(worker: WorkerLink, client: Client): boolean {
  if (worker.writable) return true;
  worker.hold(client);
  return false;
}
