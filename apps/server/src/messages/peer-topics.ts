import { RESTORE_MS } from '../constants.js';
import type { Handlers, ServerEvents } from '../contract/events.js';
import type { Logger } from '../log/log.js';
import { DELIVERED, DROPPED_MESSAGES, PUBLISHED } from '../shared/counters-layout.js';
import { TOPIC_BITS } from '../shared/topic-layout.js';
import type { PeerMessenger } from './peer-messenger.js';
import type { ProcessMessenger } from './process-messenger.js';
import type { ProcessTopics, TopicLink } from './process-topics.js';

export interface PeerTopicsParts {
  readonly messenger: ProcessMessenger;
  readonly topics: ProcessTopics;
  readonly handlers: Handlers<ServerEvents>;
  readonly logs: { readonly log: Logger };
}

/** Brings what a process publishes to the others of its server, and tells them what it subscribes to. */
export class PeerTopics implements TopicLink {
  readonly #parts: PeerTopicsParts;
  #restoring: NodeJS.Timeout | undefined;
  /** It carries what all processes publish to other servers. */
  #carrier: ((topic: string, body: Uint8Array) => void) | undefined;
  /** The process has its place: what it says of its subscriptions holds. */
  #isStarted = false;

  constructor(parts: PeerTopicsParts) {
    this.#parts = parts;
    const { messenger, topics } = parts;
    messenger.onPublication((topic, body) => {
      this.#carrier?.(topic, body);
      topics.arrived(topic, body);
    });
  }

  /** There are inboxes: from here on the process publishes to others. */
  open(): void {
    this.#parts.topics.attach(this);
  }

  /** Whether the process subscribes to something. */
  get some(): boolean {
    return this.#carrier !== undefined || this.#parts.topics.some;
  }

  publish(topic: string, number: number, body: Uint8Array): boolean | undefined {
    const sent = this.#messenger('publish').publish(topic, number, body);
    // The process that has the bus counts what has gone there.
    if (this.#carrier !== undefined) this.#carrier(topic, body);
    else if (sent !== undefined) this.#count(PUBLISHED);
    return sent;
  }

  changed(number: number, subscribes: boolean): void {
    if (!this.#isStarted || this.#carrier !== undefined) return;
    const messenger = this.#messenger('subscribe');
    if (!subscribes) return messenger.deleteTopic(number);
    messenger.start();
    messenger.addTopic(number);
    this.#restore();
  }

  delivered(): void {
    if (this.#carrier === undefined) this.#count(DELIVERED);
  }

  dropped(): void {
    this.#count(DROPPED_MESSAGES);
  }

  failed(error: unknown, topic: string): void {
    const { handlers, logs } = this.#parts;
    const listeners = handlers.get('error');
    for (const listener of listeners) listener(error, undefined);
    if (listeners.length === 0) logs.log.error({ err: error, topic }, 'a subscriber has failed');
  }

  /** Has all that other processes publish come to `carrier`: this process subscribes to every topic that there may be. */
  carry(carrier: (topic: string, body: Uint8Array) => void): void {
    this.#carrier = carrier;
    if (this.#isStarted) this.start();
  }

  /** What the process before has subscribed to holds up to here. */
  start(): void {
    this.#isStarted = true;
    const messenger = this.#messenger('start');
    messenger.writeTopics(this.#numbers());
    if (!this.some) return;
    messenger.start();
    this.#restore();
  }

  /** From here on the subscriptions of this place are another process's to tell. */
  stop(): void {
    this.#isStarted = false;
    clearInterval(this.#restoring);
  }

  /** Every process of the server can write over what this one says. */
  #restore(): void {
    this.#restoring ??= setInterval(
      () => this.#messenger('subscribe').writeTopics(this.#numbers()),
      RESTORE_MS,
    ).unref();
  }

  #numbers(): Iterable<number> {
    return this.#carrier === undefined ? this.#parts.topics.numbers : Array(TOPIC_BITS).keys();
  }

  #messenger(member: string): PeerMessenger {
    return this.#parts.messenger.get(member);
  }

  #count(counter: number): void {
    const { counters } = this.#messenger('publish');
    counters[counter] = (counters[counter] as number) + 1;
  }
}
