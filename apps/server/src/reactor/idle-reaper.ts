import { LINGER_CHECK_MS } from '../constants.js';
import { CLOSING, FLAG_PROTECTED } from '../shared/connection-layout.js';
import type { Client } from './client.js';
import { PAUSE_OUTPUT, PAUSE_USER } from './pause-reasons.js';
import type { ReactorContext } from './reactor-context.js';

/** A look that comes later than this share of its interval comes after a pause of the whole thread. */
const LATE = 1.5;

/**
 * Whether checks in intervals may judge. After a pause of the process (SIGSTOP, a frozen container, a suspended machine)
 * all clients seem to have been silent, and what was sent meanwhile has not been read: the first check after it only takes note.
 */
export class Punctual {
  readonly #interval: number;
  #last: number;
  #skipped = false;

  constructor(interval: number, now: number) {
    this.#interval = interval;
    this.#last = now;
  }

  /** Whether a look at `now` may judge. Never false twice in a row: a thread that is always late judges as well. */
  judges(now: number): boolean {
    const late = now - this.#last > this.#interval * LATE;
    this.#last = now;
    this.#skipped = late && !this.#skipped;
    return !this.#skipped;
  }
}

/** Searches in intervals for clients that are silent for too long, and for closed ones that do not take their last bytes. */
export class IdleReaper {
  readonly #context: ReactorContext;
  readonly #timers: number[] = [];

  constructor(context: ReactorContext) {
    this.#context = context;
    const interval = this.#interval();
    if (interval > 0) this.#look(interval, () => this.#closeIdle());
    this.#look(LINGER_CHECK_MS, () => this.#cutLingering());
  }

  stop(): void {
    for (const id of this.#timers.splice(0)) this.#context.reactor.timers.clear(id);
  }

  #look(interval: number, look: () => void): void {
    const { reactor } = this.#context;
    const punctual = new Punctual(interval, performance.now());
    const tick = () => {
      this.#context.followStep();
      // By the clock of the timers, which is monotonic.
      if (punctual.judges(performance.now())) look();
    };
    this.#timers.push(reactor.timers.tick(interval, tick));
  }

  /** Milliseconds between two checks, at most half of the shortest time that a client may be idle; 0: none is needed. */
  #interval(): number {
    const { ports, heartbeatCheckInterval } = this.#context.data;
    const limits = ports.flatMap(({ heartbeatIdleTime, maxIdleTime }) => [heartbeatIdleTime, maxIdleTime]);
    const shortest = Math.min(...limits.filter((limit) => limit > 0));
    if (shortest === Number.POSITIVE_INFINITY) return 0;
    const half = Math.max(1, Math.floor(shortest / 2));
    return Math.min(heartbeatCheckInterval ?? half, half);
  }

  #closeIdle(): void {
    const now = this.#context.now();
    for (const client of this.#context.clients.all()) {
      if (client.slot.flags & FLAG_PROTECTED || !this.#isIdle(client, now)) continue;
      // It has sent something that was not read, for its turn has not come or the server holds it up; not what it does itself.
      if (client.connection.hasUnread && !client.isPausedFor(PAUSE_OUTPUT | PAUSE_USER)) continue;
      const state = client.ensureRare();
      state.closedFor = 'idle';
      state.isSilent = this.#isSilent(client, now);
      client.connection.destroy();
    }
  }

  #isIdle(client: Client, now: number): boolean {
    const { slot, listener } = client;
    const { maxIdleTime } = this.#context.port(listener);
    if (this.#isSilent(client, now)) return true;
    return maxIdleTime > 0 && now - Math.max(slot.receivedAt, slot.sentAt) > maxIdleTime;
  }

  /** Whether nothing has come of it, not even a heartbeat. */
  #isSilent({ slot, listener }: Client, now: number): boolean {
    const { heartbeatIdleTime } = this.#context.port(listener);
    return heartbeatIdleTime > 0 && now - slot.receivedAt > heartbeatIdleTime;
  }

  #cutLingering(): void {
    const { clients, data } = this.#context;
    const before = this.#context.now() - data.lingerTime;
    for (const client of clients.all())
      if (client.slot.state === CLOSING && client.rare.movedAt < before) client.connection.destroy();
  }
}
