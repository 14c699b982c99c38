import type { ResolvedOptions } from './resolve-options.js';

/** Port options with their defaults; threads are handed it, so there is nothing in it that cannot be copied. */
export type ResolvedPort = Readonly<ResolvedOptions['port']>;

/** A listener as messages show it: `127.0.0.1:9501`, `/run/server.sock`. */
export function showPort({ host, port, path, fd, activation }: ResolvedPort): string {
  if (fd !== undefined) return `descriptor ${fd}`;
  if (activation !== undefined) return `the socket '${activation}'`;
  if (path !== undefined) return path.replace(/^\0/, '@');
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
