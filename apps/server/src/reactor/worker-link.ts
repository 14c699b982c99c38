import type { TransportChannel } from '@millrace/channel';
import type { Packet } from '../packet.js';
import { HOLD_WORKER, type Holdable } from './holds.js';

/** The way to one worker, and the clients that wait for it to take more. */
export class WorkerLink {
  readonly #held = new Set<Holdable>();

  constructor(
    readonly worker: number,
    readonly channel: TransportChannel<Packet>,
  ) {
    channel.onDrain(() => this.#release());
  }

  get writable(): boolean {
    return this.channel.writable;
  }

  /** Reads no more from `client` until the worker has taken what waits for it. */
  hold(client: Holdable): void {
    this.#held.add(client);
    client.hold(HOLD_WORKER);
  }

  forget(client: Holdable): void {
    this.#held.delete(client);
  }

  #release(): void {
    const held = [...this.#held];
    this.#held.clear();
    for (const client of held) client.release(HOLD_WORKER);
  }
}
