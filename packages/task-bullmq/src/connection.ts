import { BrokerError } from '@millrace/task-broker';
import { Redis, type RedisOptions } from 'ioredis';
import type { ResolvedBullmqOptions } from './options.js';

/** Milliseconds without a byte, where one is awaited, after which a connection is given up: the machine behind it is gone. */
const SILENCE_MS = 8_000;
/** The oldest Redis that has what is used: `XADD NOMKSTREAM`. */
const OLDEST = [6, 2] as const;
const POLICY = 'noeviction';

/** For what waits until it is connected again (a host), or is told at once that it is not (a caller). */
export function connect({ connection }: ResolvedBullmqOptions, patient: boolean): GatheringRedis {
  const options: RedisOptions = {
    ...optionsOf(connection),
    maxRetriesPerRequest: patient ? null : 0,
    enableOfflineQueue: patient,
  };
  return typeof connection === 'string'
    ? new GatheringRedis(connection, options)
    : new GatheringRedis(options);
}

/** For a bus, which hears at once that a connection is lost, and says anew what it subscribes to. */
export function connectBus(connection: string | RedisOptions): Redis {
  const options: RedisOptions = {
    ...optionsOf(connection),
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
  };
  return typeof connection === 'string' ? new Redis(connection, options) : new Redis(options);
}

function optionsOf(connection: string | RedisOptions): RedisOptions {
  return {
    ...(typeof connection === 'string' ? {} : connection),
    lazyConnect: true,
    socketTimeout: SILENCE_MS,
    // 50 ms, growing to 2 s, for ever.
    retryStrategy: (times) => Math.min(50 * times, 2_000),
  };
}

/**
 * Sends what is asked in one turn of the event loop in one write: each write is a system call and wakes the server, and many tasks
 * are under way at a time.
 */
export class GatheringRedis extends Redis {
  #gathering = false;
  #keepsLoop = true;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const { stream } = this;
    if (!this.#gathering && this.status === 'ready') {
      this.#gathering = true;
      stream.cork?.();
      // Behind what others do in the next tick, which may ask for more.
      process.nextTick(() =>
        process.nextTick(() => {
          this.#gathering = false;
          stream.uncork?.();
        }),
      );
    }
    const answer = super.sendCommand(...args);
    if (!this.#keepsLoop) this.#silence?.unref();
    return answer;
  }

  /** Whether the connection keeps the process alive. */
  keepLoop(on: boolean): void {
    this.#keepsLoop = on;
    const socket = this.stream as { ref?(): void; unref?(): void } | undefined;
    if (on) socket?.ref?.();
    else socket?.unref?.();
    if (!on) this.#silence?.unref();
  }

  override disconnect(reconnect = false): void {
    super.disconnect(reconnect);
    // It would keep the process for as long as a silence may last.
    if (!reconnect) clearTimeout(this.#silence);
  }

  /** The client's timer of `socketTimeout`, which it neither tells nor ends with the connection. */
  get #silence(): NodeJS.Timeout | undefined {
    return Reflect.get(this, 'socketTimeoutTimer') as NodeJS.Timeout | undefined;
  }
}

/** Calls `connected` and `away` as a group of connections is whole or not; each change once. */
export class ConnectionWatch {
  readonly #clients: readonly Redis[];
  readonly #connected: () => void;
  readonly #away: (error: Error) => void;
  /** Undefined: never connected, and no failure told. */
  #whole: boolean | undefined;
  #lastError: Error | undefined;

  constructor(clients: readonly Redis[], connected: () => void, away: (error: Error) => void) {
    this.#clients = clients;
    this.#connected = connected;
    this.#away = away;
    for (const client of clients) {
      client.on('error', (error: Error) => {
        this.#lastError = explained(error, client);
        this.#see(this.#areReady());
      });
      client.on('ready', () => this.look());
      client.on('close', () => this.look());
    }
  }

  get error(): Error | undefined {
    return this.#lastError;
  }

  look(): void {
    const whole = this.#areReady();
    // One after the other is connected at the start: that is no loss.
    if (whole || this.#whole !== undefined) this.#see(whole);
  }

  #areReady(): boolean {
    return this.#clients.every(({ status }) => status === 'ready');
  }

  #see(whole: boolean): void {
    if (whole === this.#whole) return;
    this.#whole = whole;
    if (whole) this.#connected();
    else this.#away(this.#lastError ?? new Error('The connection was closed.'));
  }
}

/** What the client says of an answer that it cannot read is an address short of a reason. */
function explained(error: Error, { options }: Redis): Error {
  const [, first] = /^Protocol error, got (.+) as reply type/.exec(error.message) ?? [];
  if (first === undefined) return error;
  const where = options.path ?? `${options.host}:${options.port}`;
  return new Error(
    `What listens at ${where} is no Redis: its answer begins with ${first}, as that of a NATS or an HTTP server may.`,
    { cause: error },
  );
}

/** Resolves when a connection is there for the first time, however long that takes. */
export async function whenReady(client: Redis): Promise<void> {
  if (client.status === 'ready') return;
  const ready = new Promise<void>((resolve, reject) => {
    client.once('ready', resolve);
    client.once('end', () => reject(new Error('The connection was closed before it was made.')));
  });
  // What it fails with is told by the event `error`; it goes on trying.
  if (client.status === 'wait') client.connect().catch(() => {});
  await ready;
}

export interface EngineFacts {
  /** Milliseconds that Redis's clock is ahead of ours. */
  readonly ahead: number;
}

/** Asks a Redis what it is. Throws `ERR_MILLRACE_TASK_ENGINE_VERSION` and `_SETTING` when it would not serve. */
export async function examine(client: Redis, { allowEviction }: ResolvedBullmqOptions): Promise<EngineFacts> {
  const asked = Date.now();
  const [[seconds, microseconds], info] = await Promise.all([client.time(), client.info()]);
  const ahead = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (asked + Date.now()) / 2;
  checkVersion(info);
  const policy = /^maxmemory_policy:(.*)$/m.exec(info)?.[1]?.trim();
  if (policy !== undefined && policy !== POLICY && !allowEviction) {
    throw new BrokerError(
      'ERR_MILLRACE_TASK_ENGINE_SETTING',
      `Redis would drop tasks when its memory is full: maxmemory-policy is '${policy}' and must be '${POLICY}'. ` +
        "Set it (CONFIG SET maxmemory-policy noeviction, and in redis.conf), or accept it with 'allowEviction: true'.",
      { value: policy, limit: POLICY },
    );
  }
  return { ahead };
}

function checkVersion(info: string): void {
  // Valkey says a version of Redis that it is compatible with, too.
  const found = /^(redis_version|valkey_version):(\d+)\.(\d+)\S*/m.exec(info);
  if (found === null) return;
  const [, , major, minor] = found;
  const tooOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  if (!tooOld) return;
  const version = found[0].split(':')[1];
  throw new BrokerError(
    'ERR_MILLRACE_TASK_ENGINE_VERSION',
    `Redis ${version} is too old: tasks need Redis ${OLDEST.join('.')} or Valkey.`,
    { value: version, limit: OLDEST.join('.') },
  );
}

/** What a command failed with, as an error of this package: Redis has refused it, or cannot be reached. */
export function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const { name, message, code } = error as Error & { readonly code?: unknown };
  // BullMQ's scripts answer with numbers.
  const refused = name === 'ReplyError' || typeof code === 'number';
  if (refused && !/^(LOADING|READONLY|MASTERDOWN|UNBLOCKED)/.test(message))
    return new BrokerError('ERR_MILLRACE_TASK_ENGINE_REFUSED', `Redis has refused a request: ${message}`, {
      cause: error,
    });
  return new BrokerError('ERR_MILLRACE_TASK_ENGINE_AWAY', `Redis cannot be reached: ${message}`, {
    cause: error,
  });
}
