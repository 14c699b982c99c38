import { BrokerError, type ConnectionEvents } from '@millrace/task-broker';
import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  JetStreamError,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import { connectNats, FIRST_WAIT_MS } from './connect-nats.js';
import type { ResolvedJetStreamOptions } from './options.js';
import { Subjects } from './subjects.js';

/** The oldest server that has what is used: reading the last message of a subject from any replica. */
const OLDEST = [2, 9] as const;
/** Milliseconds that the server has to answer. */
const TIMEOUT_MS = 5_000;
/** Milliseconds for which the server knows the ids of tasks that were enqueued. */
const DUPLICATES_MS = 120_000;
/** The name of the hosts' consumer: they share it. */
export const CONSUMER = 'hosts';
/** What JetStream answers when another word was last. */
const WRONG_LAST_SEQUENCE = 10_071;

/** One connection, and the streams of the queue behind it. */
export class Connection {
  readonly subjects: Subjects;
  readonly #options: ResolvedJetStreamOptions;
  #nats: NatsConnection | undefined;
  #js: JetStreamClient | undefined;
  #manager: JetStreamManager | undefined;
  #connected = false;
  #closed = false;
  readonly #closing = new AbortController();

  constructor(options: ResolvedJetStreamOptions) {
    this.#options = options;
    this.subjects = new Subjects(options.stream);
  }

  get connected(): boolean {
    return this.#connected;
  }

  get nats(): NatsConnection {
    if (this.#nats === undefined || this.#closed) throw away(new Error('The connection has not been made.'));
    return this.#nats;
  }

  get js(): JetStreamClient {
    if (!this.#connected) throw away(new Error('The connection is lost.'));
    return this.#js as JetStreamClient;
  }

  get manager(): JetStreamManager {
    if (!this.#connected) throw away(new Error('The connection is lost.'));
    return this.#manager as JetStreamManager;
  }

  /** Connects, for as long as it takes; `begin` is called with each connection before `connected` is. */
  async open(events: ConnectionEvents, begin: () => Promise<void> | void): Promise<void> {
    this.#nats = await connectNats(this.#options, (error) => events.away(error), this.#closing.signal);
    if (this.#nats === undefined) throw away(new Error('The connection was closed before it was made.'));
    this.#checkVersion(this.#nats);
    this.#js = jetstream(this.#nats, { timeout: TIMEOUT_MS });
    this.#manager = await this.#ask(() =>
      jetstreamManager(this.#nats as NatsConnection, { timeout: TIMEOUT_MS }),
    );
    this.#connected = true;
    await this.#makeStreams();
    void this.#watch(this.#nats, events, begin);
    await begin();
    events.connected();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    this.#closing.abort();
    await this.#nats?.close();
  }

  async #watch(
    nats: NatsConnection,
    events: ConnectionEvents,
    begin: () => Promise<void> | void,
  ): Promise<void> {
    for await (const { type } of nats.status()) {
      if (this.#closed) return;
      if (type === 'disconnect' && this.#connected) {
        this.#connected = false;
        events.away(new Error('The connection to NATS was lost.'));
      }
      if (type === 'reconnect') void this.#again(nats, events, begin);
    }
  }

  /** After a restart without its data the server has no streams. */
  async #again(
    nats: NatsConnection,
    events: ConnectionEvents,
    begin: () => Promise<void> | void,
  ): Promise<void> {
    if (this.#connected) return;
    this.#connected = true;
    try {
      // It answers before its streams are loaded: until then this fails.
      await this.#makeStreams();
      await begin();
      events.connected();
    } catch (error) {
      this.#connected = false;
      if (this.#closed || nats.isClosed()) return;
      void error;
      setTimeout(() => void this.#again(nats, events, begin), 4 * FIRST_WAIT_MS);
    }
  }

  #checkVersion(nats: NatsConnection): void {
    const { version = '0.0.0' } = nats.info ?? {};
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
    throw new BrokerError(
      'ERR_MILLRACE_TASK_ENGINE_VERSION',
      `NATS ${version} is too old: tasks need nats-server ${OLDEST.join('.')} or later.`,
      { value: version, limit: OLDEST.join('.') },
    );
  }

  async #makeStreams(): Promise<void> {
    const { stream, answerStream, tasks, answers } = this.subjects;
    const { storage, replicas, keepAge, keepCount, lock } = this.#options;
    const common = {
      storage: storage === 'file' ? StorageType.File : StorageType.Memory,
      num_replicas: replicas,
    };
    await this.#ask(async () => {
      const { streams, consumers } = this.manager;
      await makeIfMissing(
        () => streams.info(stream),
        () =>
          streams.add({
            ...common,
            name: stream,
            subjects: [tasks],
            retention: RetentionPolicy.Workqueue,
            duplicate_window: nanos(DUPLICATES_MS),
          }),
      );
      await makeIfMissing(
        () => streams.info(answerStream),
        () =>
          streams.add({
            ...common,
            name: answerStream,
            subjects: [answers],
            max_msgs_per_subject: 1,
            max_msgs: keepCount,
            max_age: nanos(keepAge * 1_000),
            discard: DiscardPolicy.Old,
            allow_direct: true,
          }),
      );
      await makeIfMissing(
        () => consumers.info(stream, CONSUMER),
        () =>
          consumers.add(stream, {
            durable_name: CONSUMER,
            ack_policy: AckPolicy.Explicit,
            ack_wait: nanos(lock),
            max_deliver: -1,
            // Beyond a limit the server would stall without a word.
            max_ack_pending: -1,
          }),
      );
    });
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if ((error as Error).name === 'JetStreamNotEnabled' || /not enabled/i.test((error as Error).message)) {
        const message = 'This NATS has no JetStream: start nats-server with -js, and a store_dir.';
        throw new BrokerError('ERR_MILLRACE_TASK_ENGINE_SETTING', message, { cause: error });
      }
      throw asBrokerError(error);
    }
  }
}

async function makeIfMissing(look: () => Promise<unknown>, make: () => Promise<unknown>): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    // Another process may make it at the same time, and in the same way.
    await make().catch(async (failed: unknown) => {
      await look().catch(() => {
        throw failed;
      });
    });
  }
}

export function isOtherWord(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE;
}

function away(cause: unknown): BrokerError {
  const message = `NATS cannot be reached: ${(cause as Error).message}`;
  return new BrokerError('ERR_MILLRACE_TASK_ENGINE_AWAY', message, { cause });
}

/** What a request failed with, as an error of this package: the server has refused it, or did not answer. */
export function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const { message } = error as Error;
  // A server that loads its streams, or chooses a leader, answers that it is not available (503).
  const refused =
    error instanceof JetStreamApiError
      ? error.status !== 503
      : error instanceof JetStreamError && !/503|no responders/i.test(message);
  if (!refused) return away(error);
  return new BrokerError('ERR_MILLRACE_TASK_ENGINE_REFUSED', `NATS has refused a request: ${message}`, {
    cause: error,
  });
}
