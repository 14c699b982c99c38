import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { BUS_LIMIT, BUS_POLL_MS } from '../constants.js';
import type { BusConnection, OpenBus } from '../contract/bus.js';
import { type Logger, LogLimit } from '../log/log.js';
import { BUS_DROPPED, BUS_RECONNECTS, DELIVERED, PUBLISHED } from '../shared/counters-layout.js';
import { topicNumber } from '../shared/topic-layout.js';
import { decodeFromBus, encodeForBus, SERVER_BYTES } from './bus-layout.js';
import type { PeerMessenger } from './peer-messenger.js';

export interface BusRelayParts {
  /** Of the bus, for the log. */
  readonly name: string;
  /** Connects to it, for as long as it takes. */
  readonly connect: (events: Parameters<OpenBus>[1]) => BusConnection;
  readonly messenger: PeerMessenger;
  readonly logs: { readonly log: Logger };
  /** Pid of the master, and when the server was started: with the machine they say which server this is. */
  readonly server: string;
  /** Gives it to the subscribers of this process itself. */
  readonly toOwn: (topic: string, body: Uint8Array) => void;
}

interface Waiting {
  readonly channel: number;
  readonly bytes: Uint8Array;
}

/**
 * Brings what the processes of this server publish to a bus, and what comes from there to those that subscribe. It waits for nothing: what
 * the bus does not take in time is dropped, and counted.
 */
export class BusRelay {
  readonly #parts: BusRelayParts;
  readonly #server: Uint8Array;
  readonly #limit: LogLimit;
  /** The channels that the bus has been asked for. */
  readonly #subscribed = new Set<number>();
  #connection: BusConnection | undefined;
  #polling: NodeJS.Timeout | undefined;
  #isConnected = false;
  #wasConnected = false;
  /** What waits for a connection, oldest first; and the bytes of that and of what the bus has not answered. */
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(parts: BusRelayParts) {
    this.#parts = parts;
    this.#limit = new LogLimit(parts.logs);
    const name = `${hostname()} ${parts.server}`;
    this.#server = createHash('sha256').update(name).digest().subarray(0, SERVER_BYTES);
  }

  open(): void {
    this.#connection = this.#parts.connect({
      connected: () => this.#connected(),
      away: (error) => this.#away(error),
      arrived: (bytes) => this.#arrived(bytes),
    });
    // Subscriptions are bits in memory, whose change nobody tells.
    this.#polling = setInterval(() => this.#subscribe(), BUS_POLL_MS).unref();
  }

  /** A process of this server has published it. */
  publish(topic: string, body: Uint8Array): void {
    if (this.#bytes > BUS_LIMIT) return this.#count(BUS_DROPPED);
    const bytes = encodeForBus(this.#server, topic, body);
    this.#bytes += bytes.length;
    const waiting = { channel: topicNumber(topic), bytes };
    if (this.#isConnected) void this.#send(waiting);
    else this.#waiting.push(waiting);
  }

  async close(): Promise<void> {
    clearInterval(this.#polling);
    await this.#connection?.close();
  }

  async #send({ channel, bytes }: Waiting): Promise<void> {
    try {
      await (this.#connection as BusConnection).publish(channel, bytes);
      this.#count(PUBLISHED);
    } catch {
      // The bus may have it or not: sent again it would come twice, or out of order.
      this.#count(BUS_DROPPED);
    } finally {
      this.#bytes -= bytes.length;
    }
  }

  #connected(): void {
    const { name, logs } = this.#parts;
    if (this.#wasConnected) this.#count(BUS_RECONNECTS);
    this.#wasConnected = true;
    this.#isConnected = true;
    logs.log.info(`connected to the bus: ${name}`);
    this.#subscribed.clear();
    this.#subscribe();
    for (const waiting of this.#waiting.splice(0)) void this.#send(waiting);
  }

  #away(error: Error): void {
    const { name, logs } = this.#parts;
    this.#isConnected = false;
    logs.log.warn({ err: error }, `the bus is away: ${name}; it is tried again until it is there`);
  }

  #arrived(bytes: Uint8Array): void {
    const { messenger, toOwn } = this.#parts;
    let publication: ReturnType<typeof decodeFromBus>;
    try {
      publication = decodeFromBus(this.#server, bytes);
    } catch (error) {
      return this.#limit.warn('bus', `what has come from the bus is dropped: ${(error as Error).message}`);
    }
    if (publication === undefined) return;
    const { topic, body } = publication;
    this.#count(DELIVERED);
    messenger.publish(topic, topicNumber(topic), body);
    toOwn(topic, body);
  }

  /** Asks the bus for what some process of this server subscribes to, and for nothing else. */
  #subscribe(): void {
    if (!this.#isConnected) return;
    const wanted = new Set(this.#parts.messenger.topicsOfOthers());
    const added = [...wanted].filter((channel) => !this.#subscribed.has(channel));
    const gone = [...this.#subscribed].filter((channel) => !wanted.has(channel));
    if (added.length > 0) this.#connection?.subscribe(added);
    if (gone.length > 0) this.#connection?.unsubscribe(gone);
    for (const channel of added) this.#subscribed.add(channel);
    for (const channel of gone) this.#subscribed.delete(channel);
  }

  #count(counter: number): void {
    const { counters } = this.#parts.messenger;
    counters[counter] = (counters[counter] as number) + 1;
  }
}
