/** What holds a server's connection to the bus, in a process of its own. */
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { ResolvedNatsBusOptions } from './bus.js';
import { connectNats } from './connect-nats.js';

interface BusEvents {
  connected(): void;
  away(error: Error): void;
  arrived(bytes: Uint8Array): void;
}

class NatsBusConnection {
  readonly #options: ResolvedNatsBusOptions;
  readonly #events: BusEvents;
  readonly #subscriptions = new Map<number, Subscription>();
  #nats: NatsConnection | undefined;
  #isConnected = false;
  readonly #closing = new AbortController();
  /** What is answered once all that was published by now is there. */
  #flush: Promise<void> | undefined;

  constructor(options: ResolvedNatsBusOptions, events: BusEvents) {
    this.#options = options;
    this.#events = events;
    void this.#open();
  }

  async publish(channel: number, bytes: Uint8Array): Promise<void> {
    const nats = this.#nats;
    // The client would keep it for later, in a memory without a bound.
    if (nats === undefined || !this.#isConnected) throw new Error('The connection to NATS is lost.');
    nats.publish(this.#subject(channel), bytes);
    // One question for all that is published in a turn of the loop.
    this.#flush ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#flush = undefined;
        nats.flush().then(resolve, reject);
      });
    });
    await this.#flush;
  }

  subscribe(channels: readonly number[]): void {
    for (const channel of channels) {
      if (this.#nats === undefined || this.#subscriptions.has(channel)) continue;
      const subscription = this.#nats.subscribe(this.#subject(channel), {
        callback: (_error, message) => this.#events.arrived(message.data),
      });
      this.#subscriptions.set(channel, subscription);
    }
  }

  unsubscribe(channels: readonly number[]): void {
    for (const channel of channels) {
      this.#subscriptions.get(channel)?.unsubscribe();
      this.#subscriptions.delete(channel);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#nats?.close();
  }

  #subject(channel: number): string {
    return `${this.#options.name}.bus.${channel}`;
  }

  async #open(): Promise<void> {
    const away = (error: Error) => this.#events.away(error);
    const nats = await connectNats(this.#options, away, this.#closing.signal);
    if (nats === undefined) return;
    this.#nats = nats;
    this.#set(true);
    for await (const { type } of nats.status()) {
      if (this.#closing.signal.aborted) return;
      // The client subscribes anew by itself.
      if (type === 'disconnect') this.#set(false);
      if (type === 'reconnect') this.#set(true);
    }
  }

  #set(isConnected: boolean): void {
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    if (isConnected) this.#events.connected();
    else this.#events.away(new Error('The connection to NATS was lost.'));
  }
}

export function openBus(options: unknown, events: BusEvents): NatsBusConnection {
  return new NatsBusConnection(options as ResolvedNatsBusOptions, events);
}
