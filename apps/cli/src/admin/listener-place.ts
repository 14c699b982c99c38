import type { Listener } from './reports.js';

const PATH_WIDTH = 24;

/** Where a listener listens, as tables show it: a path by its end, where it is long. */
export function placeOf({ host, port, path }: Pick<Listener, 'host' | 'port' | 'path'>): string {
  if (path !== null) return path.length > PATH_WIDTH ? `…${path.slice(1 - PATH_WIDTH)}` : path;
  if (port === null) return 'a path or socket of the program';
  return host === null ? `port ${port}` : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
