/** What holds a server's connection to the bus, in a process of its own. */
import type { Redis } from 'ioredis';
import type { ResolvedRedisBusOptions } from './bus.js';
import { ConnectionWatch, connectBus } from './connection.js';

/** Milliseconds between two questions to a Redis that has nothing to say: only so its silence is noticed. */
const PING_EVERY_MS = 4_000;

interface BusEvents {
  connected(): void;
  away(error: Error): void;
  arrived(bytes: Uint8Array): void;
}

/** Two connections: one that subscribes can do nothing else. */
class RedisBusConnection {
  readonly #name: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #pinging: NodeJS.Timeout;

  constructor({ connection, name }: ResolvedRedisBusOptions, events: BusEvents) {
    this.#name = name;
    this.#publisher = connectBus(connection);
    this.#subscriber = connectBus(connection);
    const clients = [this.#publisher, this.#subscriber];
    new ConnectionWatch(clients, events.connected, events.away);
    this.#subscriber.on('messageBuffer', (_channel: Buffer, bytes: Buffer) => events.arrived(bytes));
    // What a connection fails with is told by the watch; it goes on trying.
    for (const client of clients) client.connect().catch(() => {});
    this.#pinging = setInterval(() => {
      for (const client of clients) if (client.status === 'ready') client.ping().catch(() => {});
    }, PING_EVERY_MS).unref();
  }

  async publish(channel: number, bytes: Uint8Array): Promise<void> {
    await this.#publisher.publish(
      this.#channel(channel),
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    );
  }

  subscribe(channels: readonly number[]): void {
    // A connection that is lost meanwhile is told of, and asked for all of them when it is there again.
    this.#subscriber.subscribe(...channels.map((channel) => this.#channel(channel))).catch(() => {});
  }

  unsubscribe(channels: readonly number[]): void {
    this.#subscriber.unsubscribe(...channels.map((channel) => this.#channel(channel))).catch(() => {});
  }

  async close(): Promise<void> {
    clearInterval(this.#pinging);
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  #channel(channel: number): string {
    return `${this.#name}:${channel}`;
  }
}

export function openBus(options: unknown, events: BusEvents): RedisBusConnection {
  return new RedisBusConnection(options as ResolvedRedisBusOptions, events);
}
