/**
 * Brings what a Millrace server publishes to the subscribers of others, over Redis or Valkey.
 *
 * ```ts
 * import { redis } from '@millrace/task-bullmq/bus';
 *
 * const server = createServer({ port: 9501, bus: redis({ connection: 'redis://10.0.0.7', name: 'chat' }) });
 * server.on('workerStart', () => { server.subscribe('news', (text) => …); });
 * server.publish('news', 'to all processes of all servers of that name');
 * ```
 *
 * @packageDocumentation
 */
import { checkOptions, optionNames, shown } from '@millrace/channel';
import { BrokerError } from '@millrace/task-broker';
import type { RedisOptions } from 'ioredis';
import { isAddress } from './is-address.js';

export interface RedisBusOptions {
  /** `redis://host:6379`, `rediss://…`, a path of a Unix socket, or options of ioredis as plain data. Default: `redis://127.0.0.1:6379`. */
  readonly connection?: string | RedisOptions;
  /** Servers of one name hear each other: it is before the names of all channels. Default `'millrace'`. */
  readonly name?: string;
}

export interface ResolvedRedisBusOptions {
  readonly connection: string | RedisOptions;
  readonly name: string;
}

/** What the option `bus` of a server takes. */
export interface RedisBus {
  readonly name: string;
  readonly module: string;
  readonly options: ResolvedRedisBusOptions;
}

const OPTIONS = optionNames<RedisBusOptions>({ connection: true, name: true });
/** What the process that holds the connection loads. */
const MODULE = new URL('./redis-bus.js', import.meta.url);

/** The option `bus` of a server. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function redis(options: RedisBusOptions = {}): RedisBus {
  checkOptions(options, OPTIONS, 'redis()');
  const { connection = 'redis://127.0.0.1:6379', name = 'millrace' } = options;
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
    const message = `'name' must be 1 to 64 letters, digits, '.', '-' and '_', not ${shown(name)}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { value: name });
  }
  if (!isAddress(connection)) {
    const message =
      typeof connection === 'string'
        ? `'connection' must be an address that begins with redis:// or rediss://, or the path of a socket, not ${connection.split('://')[0]}://….`
        : "'connection' must be an address or a plain object of options: a connection of ioredis belongs to one process.";
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
  }
  return { name: 'Redis', module: MODULE.href, options: { connection, name } };
}
