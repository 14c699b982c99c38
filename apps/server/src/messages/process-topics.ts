import { Frame, msgpackCodec } from '@millrace/channel';
import { PUBLICATIONS_LIMIT } from '../constants.js';
import { type Subscription, type TopicHandler, type Topics, topicsOf } from '../contract/topics.js';
import type { TopicName, TopicValue } from '../contract/types.js';
import { ServerError } from '../errors.js';
import { topicNumber } from '../shared/topic-layout.js';
import { checkPublicationSize, checkTopic } from './topic-rules.js';

/** What the process has to do with the others of its server. */
export interface TopicLink {
  /** False: it was dropped for some process. Undefined: this process has ended its messages, and it goes nowhere. */
  publish(topic: string, number: number, body: Uint8Array): boolean | undefined;
  /** The process subscribes to topics of that number from here on, or does no more. */
  changed(number: number, subscribes: boolean): void;
  /** A publication was given to subscribers of this process; or one of its own was dropped on its way there. */
  delivered(): void;
  dropped(): void;
  /** A handler has failed, or what has come cannot be read. */
  failed(error: unknown, topic: string): void;
}

interface Publication {
  readonly topic: string;
  readonly body: Uint8Array;
}

/** Topics as one process has them: its subscribers, and what it publishes. Without a server it has itself alone. */
export class ProcessTopics implements Topics {
  readonly #codec = msgpackCodec<unknown>();
  readonly #frame = new Frame();
  /** Each list is replaced, and never changed: a handler may subscribe, and close, while it is walked through. */
  readonly #handlers = new Map<string, readonly TopicHandler<never>[]>();
  /** How many topics of each number there are. */
  readonly #numbers = new Map<number, number>();
  #link: TopicLink | undefined;
  /** What this process has published to itself, until its loop turns. */
  #own: Publication[] = [];
  #ownBytes = 0;

  /** The numbers of what it subscribes to. */
  get numbers(): Iterable<number> {
    return this.#numbers.keys();
  }

  get some(): boolean {
    return this.#numbers.size > 0;
  }

  /** From here on it has the other processes of a server. */
  attach(link: TopicLink): void {
    this.#link = link;
  }

  publish<Name extends TopicName>(topic: Name, value: TopicValue<Name>): boolean | undefined {
    checkTopic(topic);
    const body = this.#encoded(topic, value);
    const sent = this.#link === undefined ? true : this.#link.publish(topic, topicNumber(topic), body);
    if (sent === undefined) return undefined;
    return this.#toOwn({ topic, body }) && sent;
  }

  subscribe<Name extends TopicName>(topic: Name, handler: TopicHandler<TopicValue<Name>>): Subscription {
    checkTopic(topic);
    if (typeof handler !== 'function')
      throw new ServerError(
        'ERR_MILLRACE_OPTION',
        `The subscriber of '${topic}' is a function, not ${typeof handler}.`,
      );
    // A function of its own: one handler may subscribe twice.
    const own: TopicHandler<never> = (value, name) => handler(value, name);
    this.#add(topic, own);
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#remove(topic, own);
      isOpen = false;
    };
    return { topic, close, [Symbol.dispose]: close };
  }

  /** Something was published, by this process or another. */
  arrived(topic: string, body: Uint8Array): void {
    const handlers = this.#handlers.get(topic);
    if (handlers === undefined) return;
    let value: unknown;
    try {
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      value = this.#codec.decode(bytes, 0, bytes.length);
    } catch (error) {
      return this.#failed(error, topic);
    }
    this.#link?.delivered();
    for (const handler of handlers) void this.#run(handler, value, topic);
  }

  #encoded(topic: string, value: unknown): Buffer {
    this.#codec.encode(value, this.#frame);
    checkPublicationSize(topic, this.#frame.length);
    const body = Buffer.allocUnsafe(this.#frame.length);
    this.#frame.copyTo(body, 0);
    return body;
  }

  /** It comes with the next turn of the loop: a subscriber that publishes must not keep that from turning. */
  #toOwn(publication: Publication): boolean {
    if (!this.#handlers.has(publication.topic)) return true;
    if (this.#ownBytes > PUBLICATIONS_LIMIT) {
      this.#link?.dropped();
      return false;
    }
    if (this.#own.push(publication) === 1) setImmediate(() => this.#takeOwn());
    this.#ownBytes += publication.body.length + publication.topic.length;
    return true;
  }

  #takeOwn(): void {
    const own = this.#own;
    this.#own = [];
    this.#ownBytes = 0;
    for (const { topic, body } of own) this.arrived(topic, body);
  }

  async #run(handler: TopicHandler<never>, value: unknown, topic: string): Promise<void> {
    try {
      await handler(value as never, topic);
    } catch (error) {
      this.#failed(error, topic);
    }
  }

  /** Without a server it is as an error of any event's handler. */
  #failed(error: unknown, topic: string): void {
    if (this.#link !== undefined) return this.#link.failed(error, topic);
    queueMicrotask(() => {
      throw error;
    });
  }

  #add(topic: string, handler: TopicHandler<never>): void {
    const handlers = this.#handlers.get(topic);
    this.#handlers.set(topic, handlers === undefined ? [handler] : [...handlers, handler]);
    if (handlers !== undefined) return;
    const number = topicNumber(topic);
    const topics = this.#numbers.get(number) ?? 0;
    this.#numbers.set(number, topics + 1);
    if (topics === 0) this.#link?.changed(number, true);
  }

  #remove(topic: string, handler: TopicHandler<never>): void {
    const left = this.#handlers.get(topic)?.filter((other) => other !== handler) ?? [];
    if (left.length > 0) {
      this.#handlers.set(topic, left);
      return;
    }
    this.#handlers.delete(topic);
    const number = topicNumber(topic);
    const topics = (this.#numbers.get(number) ?? 0) - 1;
    if (topics > 0) {
      this.#numbers.set(number, topics);
      return;
    }
    this.#numbers.delete(number);
    this.#link?.changed(number, false);
  }
}

/** Those of this process. */
export const processTopics = (): ProcessTopics => topicsOf(() => new ProcessTopics());
