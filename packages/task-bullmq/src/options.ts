import { optionNames, shown } from '@millrace/channel';
import {
  BrokerError,
  type EngineOptions,
  positive,
  type ResolvedEngineOptions,
  resolveEngineOptions,
  TRANSPORT_OPTIONS,
} from '@millrace/task-broker';
import type { RedisOptions } from 'ioredis';
import { isAddress } from './is-address.js';

/** Where the tasks are, and how BullMQ keeps them. */
export interface BullmqOptions extends EngineOptions {
  /** `redis://host:6379/0`, `rediss://…`, a path of a Unix socket, or options of ioredis as plain data. Default: `redis://127.0.0.1:6379`. */
  readonly connection?: string | RedisOptions;
  /** The queue: callers and hosts of one name belong together. Default `'tasks'`. */
  readonly queue?: string;
  /** Before all keys of BullMQ, see its documentation. Default `'bull'`. */
  readonly prefix?: string;
  /** Most tasks that all hosts begin in a time, by BullMQ's limiter. Of hosts. Default: any number. */
  readonly limiter?: { readonly max: number; readonly duration: number };
  /** Serve even where Redis evicts keys when its memory is full (`maxmemory-policy`), and so loses tasks. Default false. */
  readonly allowEviction?: boolean;
}

export interface ResolvedBullmqOptions extends ResolvedEngineOptions {
  readonly connection: string | RedisOptions;
  readonly queue: string;
  readonly prefix: string;
  readonly limiter: { readonly max: number; readonly duration: number } | undefined;
  readonly allowEviction: boolean;
}

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

export const BULLMQ_TRANSPORT_OPTIONS = new Set([...BULLMQ_OPTIONS, ...TRANSPORT_OPTIONS]);

/** Fills in the defaults. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function resolveBullmqOptions(options: BullmqOptions): ResolvedBullmqOptions {
  const { connection = 'redis://127.0.0.1:6379', queue = 'tasks', prefix = 'bull', limiter } = options;
  if (typeof queue !== 'string' || queue === '' || queue.includes(':'))
    throw new BrokerError(
      'ERR_MILLRACE_BROKER_OPTION',
      `'queue' must be a name without ':', not ${shown(queue)}.`,
    );
  if (!isAddress(connection)) {
    const message =
      typeof connection === 'string'
        ? `'connection' must be an address that begins with redis:// or rediss://, or the path of a socket, not ${connection.split('://')[0]}://….`
        : "'connection' must be an address or a plain object of options: a connection of ioredis cannot be handed to the host's process.";
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
  }
  return {
    ...resolveEngineOptions(options),
    connection,
    queue,
    prefix,
    limiter: limiter && {
      max: positive('limiter.max', limiter.max),
      duration: positive('limiter.duration', limiter.duration),
    },
    allowEviction: options.allowEviction ?? false,
  };
}
