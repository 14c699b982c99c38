/** What holds a server's connection to the bus, in a process of its own. */
import { connect, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import type { ResolvedNatsBusOptions } from './bus.js';

/** Milliseconds between two attempts to connect, at first and at most. */
const FIRST_WAIT_MS = 50;
const LAST_WAIT_MS = 2_000;
/** A server that does not answer two of these is gone. */
const PING_MS = 3_000;
const MOST_PINGS_OUT = 2;

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
  #isClosed = false;
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
    this.#isClosed = true;
    await this.#nats?.close();
  }

  #subject(channel: number): string {
    return `${this.#options.name}.bus.${channel}`;
  }

  async #open(): Promise<void> {
    const nats = await this.#connect();
    if (nats === undefined) return;
    this.#nats = nats;
    this.#set(true);
    for await (const { type } of nats.status()) {
      if (this.#isClosed) return;
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

  /** Undefined: it was closed before. */
  async #connect(): Promise<NatsConnection | undefined> {
    const { servers, user, pass, token } = this.#options;
    let isTold = false;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LAST_WAIT_MS)) {
      try {
        const nats = await connect({
          servers: [...servers],
          ...(user !== undefined && { user }),
          ...(pass !== undefined && { pass }),
          ...(token !== undefined && { token }),
          pingInterval: PING_MS,
          maxPingOut: MOST_PINGS_OUT,
          maxReconnectAttempts: -1,
          reconnectTimeWait: 4 * FIRST_WAIT_MS,
          ignoreAuthErrorAbort: true,
        });
        if (!this.#isClosed) return nats;
        await nats.close();
        return undefined;
      } catch (error) {
        if (!isTold) this.#events.away(error as Error);
        isTold = true;
      }
      await new Promise<void>((resolve) => setTimeout(resolve, wait));
      if (this.#isClosed) return undefined;
    }
  }
}

export function openBus(options: unknown, events: BusEvents): NatsBusConnection {
  return new NatsBusConnection(options as ResolvedNatsBusOptions, events);
}
