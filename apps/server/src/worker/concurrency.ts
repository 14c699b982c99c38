import type { SessionGateway } from '../sessions/session-gateway.js';

/** Milliseconds between two checks of what handlers wait for while nothing is read that would tell. */
export const WAITS_POLL_MS = 10;

/** What can be told to hold what it has. */
export interface Pausable {
  readonly writable: boolean;
  pause(): void;
  resume(): void;
}

/**
 * Counts the messages whose handlers are under way in one worker. At `limit` nothing more is read from the reactor
 * threads: what they have for this worker waits in its rings, then in its clients.
 */
export class Concurrency {
  readonly #limit: number;
  readonly #channels: readonly Pausable[];
  readonly #gateway: SessionGateway;
  #underWay = 0;
  #poll: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #ended = new Set<Pausable>();

  /** `limit` 0: any number. */
  constructor(limit: number, channels: readonly Pausable[], gateway: SessionGateway) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#channels = channels;
    this.#gateway = gateway;
  }

  begun(): void {
    if (++this.#underWay < this.#limit || this.#poll !== undefined) return;
    for (const channel of this.#channels) channel.pause();
    // Word that a client has room lies in the ring behind messages that wait for the very handlers that wait for it.
    this.#poll = setInterval(() => this.#gateway.settleByTable(), WAITS_POLL_MS);
  }

  ended(): void {
    if (--this.#underWay >= this.#limit || this.#poll === undefined) return;
    clearInterval(this.#poll);
    this.#poll = undefined;
    for (const channel of this.#channels) this.resume(channel);
  }

  /** Reads on, unless there is a reason not to. A channel that is not writable has its own, and comes back here. */
  resume(channel: Pausable): void {
    if (this.#stopped || this.#ended.has(channel)) return;
    if (this.#poll === undefined && channel.writable) channel.resume();
  }

  /** Nothing is read of that one any more. */
  end(channel: Pausable): void {
    this.#ended.add(channel);
    channel.pause();
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#stopped = true;
    for (const channel of this.#channels) channel.pause();
  }
}
