import type { Packet } from '../packet.js';
import type { PacketChannel } from '../packet-channel.js';
import type { ConnectionSlot } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import { CONNECTIONS, DISPATCHED, FORGIVEN, WORKER_LENGTH, WORKERS } from '../shared/counters-layout.js';
import { HOLD_WORKER, type Holdable } from './holds.js';

/** Clients that are let go in one turn. */
const RELEASED_AT_ONCE = 8;

/** The way to one worker, and the clients that wait for it to take more. */
export class WorkerLink {
  readonly #held = new Set<Holdable>();
  readonly #all: Counters;
  readonly #reactor: number;
  readonly #own: Float64Array;
  readonly #at: number;
  readonly #defer: (callback: () => void) => void;
  readonly #releaseMore = () => {
    this.#releasing = false;
    this.#release();
  };
  #releasing = false;
  /** A worker has died since the start. */
  #hasForgiven = false;

  constructor(
    readonly worker: number,
    readonly channel: PacketChannel,
    counters: Counters,
    reactor: number,
    /** Runs a function at the end of this turn, or of the next. */
    defer: (callback: () => void) => void,
    /** Writes to the slots of clients. */
    readonly slot: ConnectionSlot,
  ) {
    this.#all = counters;
    this.#reactor = reactor;
    this.#defer = defer;
    this.#own = counters.reactor(reactor);
    this.#at = WORKERS + worker * WORKER_LENGTH;
    channel.onDrain(() => this.#release());
  }

  get writable(): boolean {
    return this.channel.writable;
  }

  /** Sessions of all reactor threads that are this worker's own. */
  get connections(): number {
    return this.#all.ofWorker(this.worker, CONNECTIONS);
  }

  /** Messages of all reactor threads that this worker has not finished. */
  get underWay(): number {
    if (this.#hasForgiven) this.#settle();
    return this.#all.underWay(this.worker);
  }

  /** Sends a client's message, and counts it. */
  dispatch(message: Packet): void {
    if (this.#hasForgiven) this.#settle();
    this.#add(DISPATCHED, 1);
    this.channel.send(message);
  }

  countConnection(by: 1 | -1): void {
    this.#add(CONNECTIONS, by);
  }

  /**
   * The worker has died: what it had taken and not finished will never be. What it had not taken cannot be told from
   * that; it is forgiven as well, and taken back once the replacement has finished it.
   */
  replaced(): void {
    this.#hasForgiven = true;
    this.#add(FORGIVEN, this.#all.underWayFrom(this.#reactor, this.worker));
  }

  /** More is done than there was to do: so much was forgiven too much. */
  #settle(): void {
    const mine = this.#all.underWayFrom(this.#reactor, this.worker);
    if (mine < 0) this.#add(FORGIVEN, mine);
  }

  /** Reads no more from `client` until the worker has taken what waits for it. */
  hold(client: Holdable): void {
    this.#held.add(client);
    client.hold(HOLD_WORKER);
  }

  forget(client: Holdable): void {
    this.#held.delete(client);
  }

  #add(counter: number, by: number): void {
    this.#own[this.#at + counter] = (this.#own[this.#at + counter] as number) + by;
  }

  /** Some in each turn: more would fill the ring at once, and the others be held again, for two system calls each. */
  #release(): void {
    let left = RELEASED_AT_ONCE;
    for (const client of this.#held) {
      // The channel drains once more then.
      if (!this.writable) return;
      if (left-- === 0) return this.#releaseSoon();
      this.#held.delete(client);
      client.release(HOLD_WORKER);
    }
  }

  #releaseSoon(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    this.#defer(this.#releaseMore);
  }
}
