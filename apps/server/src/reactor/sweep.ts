import { LINGER_CHECK_MS } from '../constants.js';
import { CLOSING, FLAG_PROTECTED } from '../shared/connection-layout.js';
import type { Client } from './client.js';
import type { Thread } from './thread.js';

/** Looks in intervals for clients that are silent for too long, and for closed ones that do not take their last bytes. */
export class Sweep {
  readonly #thread: Thread;
  readonly #timers: number[] = [];

  constructor(thread: Thread) {
    this.#thread = thread;
    const { timers } = thread.reactor;
    const interval = this.#interval();
    if (interval > 0) this.#timers.push(timers.tick(interval, () => this.#closeIdle()));
    this.#timers.push(timers.tick(LINGER_CHECK_MS, () => this.#cutLingering()));
  }

  stop(): void {
    for (const id of this.#timers.splice(0)) this.#thread.reactor.timers.clear(id);
  }

  /** Milliseconds between two looks, at most half of the shortest time that a client may be idle; 0: none is needed. */
  #interval(): number {
    const { ports, heartbeatCheckInterval } = this.#thread.data;
    const limits = ports.flatMap(({ heartbeatIdleTime, maxIdleTime }) => [heartbeatIdleTime, maxIdleTime]);
    const shortest = Math.min(...limits.filter((limit) => limit > 0));
    if (shortest === Number.POSITIVE_INFINITY) return 0;
    const half = Math.max(1, Math.floor(shortest / 2));
    return Math.min(heartbeatCheckInterval ?? half, half);
  }

  #closeIdle(): void {
    const now = Date.now();
    for (const client of this.#thread.clients.all()) {
      if (client.slot.flags & FLAG_PROTECTED || !this.#isIdle(client, now)) continue;
      client.change().closedFor = 'idle';
      client.connection.destroy();
    }
  }

  #isIdle({ slot, port }: Client, now: number): boolean {
    const { heartbeatIdleTime, maxIdleTime } = this.#thread.port(port);
    const { receivedAt } = slot;
    if (heartbeatIdleTime > 0 && now - receivedAt > heartbeatIdleTime) return true;
    return maxIdleTime > 0 && now - Math.max(receivedAt, slot.sentAt) > maxIdleTime;
  }

  #cutLingering(): void {
    const { clients, data } = this.#thread;
    const before = Date.now() - data.lingerTime;
    for (const client of clients.all())
      if (client.slot.state === CLOSING && client.known.movedAt < before) client.connection.destroy();
  }
}
