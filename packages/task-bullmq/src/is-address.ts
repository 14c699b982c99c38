import type { RedisOptions } from 'ioredis';

/** Whether a value says where a Redis is, in a way that another process can be told. */
export function isAddress(connection: unknown): connection is string | RedisOptions {
  if (typeof connection === 'string') return true;
  if (typeof connection !== 'object' || connection === null) return false;
  return Object.getPrototypeOf(connection) === Object.prototype;
}
