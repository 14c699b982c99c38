import { checkOptions, optionNames, shown } from '@millrace/channel';
import { BrokerError, positive, type TransportOptions } from '@millrace/task-broker';
import type { RedisOptions } from 'ioredis';

/** Where the tasks are, and how BullMQ keeps them. */
export interface BullmqOptions {
  /** `redis://host:6379/0`, `rediss://…`, a path of a Unix socket, or options of ioredis as plain data. Default: `redis://127.0.0.1:6379`. */
  readonly connection?: string | RedisOptions;
  /** The queue: callers and hosts of one name belong together. Default `'tasks'`. */
  readonly queue?: string;
  /** Before all keys of BullMQ, see its documentation. Default `'bull'`. */
  readonly prefix?: string;
  /** Answers are kept in Redis for so many seconds, and so many of them, whichever is less. Default an hour, and 10,000. */
  readonly keep?: { readonly age?: number; readonly count?: number };
  /**
   * Milliseconds that a host keeps a task without renewing its claim: it is renewed three times in this time. A host that is gone is
   * noticed after one and a half times as much, so within 10 s by default. Default 5,000.
   */
  readonly lock?: number;
  /** Most tasks that all hosts begin in a time, by BullMQ's limiter. Of hosts. Default: any number. */
  readonly limiter?: { readonly max: number; readonly duration: number };
  /** Serve even where Redis evicts keys when its memory is full (`maxmemory-policy`), and so loses tasks. Default false. */
  readonly allowEviction?: boolean;
}

export interface ResolvedBullmqOptions {
  readonly connection: string | RedisOptions;
  readonly queue: string;
  readonly prefix: string;
  readonly keepAge: number;
  readonly keepCount: number;
  readonly lock: number;
  readonly limiter: { readonly max: number; readonly duration: number } | undefined;
  readonly allowEviction: boolean;
}

const KEEP_AGE_S = 3_600;
const KEEP_COUNT = 10_000;
const LOCK_MS = 5_000;

const OWN = {
  connection: true,
  queue: true,
  prefix: true,
  keep: true,
  lock: true,
  limiter: true,
  allowEviction: true,
} as const;

export const BULLMQ_OPTIONS = optionNames<BullmqOptions>(OWN);

export const BULLMQ_TRANSPORT_OPTIONS = optionNames<BullmqOptions & TransportOptions>({
  ...OWN,
  valueLimit: true,
  largeValues: true,
  sweepEvery: true,
  connectTimeout: true,
  drain: true,
});

/** Fills in the defaults. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function resolveBullmqOptions(options: BullmqOptions): ResolvedBullmqOptions {
  const {
    connection = 'redis://127.0.0.1:6379',
    queue = 'tasks',
    prefix = 'bull',
    keep = {},
    limiter,
  } = options;
  if (typeof queue !== 'string' || queue === '' || queue.includes(':'))
    throw new BrokerError(
      'ERR_MILLRACE_BROKER_OPTION',
      `'queue' must be a name without ':', not ${shown(queue)}.`,
    );
  if (typeof connection !== 'string' && Object.getPrototypeOf(connection) !== Object.prototype) {
    const message =
      "'connection' must be an address or a plain object of options: a connection of ioredis cannot be handed to the host's process.";
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
  }
  checkOptions(keep, optionNames<NonNullable<BullmqOptions['keep']>>({ age: true, count: true }), 'keep');
  return {
    connection,
    queue,
    prefix,
    keepAge: positive('keep.age', keep.age ?? KEEP_AGE_S),
    keepCount: positive('keep.count', keep.count ?? KEEP_COUNT),
    lock: positive('lock', options.lock ?? LOCK_MS),
    limiter: limiter && {
      max: positive('limiter.max', limiter.max),
      duration: positive('limiter.duration', limiter.duration),
    },
    allowEviction: options.allowEviction ?? false,
  };
}
