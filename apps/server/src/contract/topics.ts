import type { TopicName, TopicValue } from './types.js';

/** Takes what is published; `topic` is what it subscribes to. What it returns is waited for by nobody. */
export type TopicHandler<Value = unknown> = (value: Value, topic: string) => unknown;

/** One handler of a topic, until it is closed. */
export interface Subscription extends Disposable {
  readonly topic: string;
  /** Nothing more comes to the handler. Idempotent. */
  close(): void;
}

/** What a process publishes and subscribes by; it is the same for all of the process. */
export interface Topics {
  publish<Name extends TopicName>(topic: Name, value: TopicValue<Name>): boolean | undefined;
  subscribe<Name extends TopicName>(topic: Name, handler: TopicHandler<TopicValue<Name>>): Subscription;
}

const TOPICS: unique symbol = Symbol.for('millrace.topics') as never;

/**
 * The one of this process: a program that a server runs may have a copy of this package that is not the server's. `make` makes it for
 * whoever asks first.
 */
export function topicsOf<T extends Topics>(make: () => T): T {
  const shared = globalThis as { [TOPICS]?: T };
  shared[TOPICS] ??= make();
  return shared[TOPICS];
}
