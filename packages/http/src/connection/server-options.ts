import { createServer, type Server } from 'node:http';
import { NEED_DRAIN } from '../message/node-internals.js';

/** What a server of node:http has where the program has not said otherwise. */
const usual = createServer();

/** What changes how requests are read or answered, in ways that are not followed here. */
const NAMES: ReadonlySet<string> = new Set([
  'timeout',
  'maxRequestsPerSocket',
  'maxHeadersCount',
  'httpAllowHalfOpen',
  'pauseOnConnect',
  'highWaterMark',
  'joinDuplicateHeaders',
  'rejectNonStandardBodyWrites',
  'insecureHTTPParser',
  'httpValidation',
  // Symbols of node:http, which has its classes and more by those.
  'IncomingMessage',
  'ServerResponse',
  'kUniqueHeaders',
  'OptimizeEmptyRequestsOption',
]);

const KEYS = Reflect.ownKeys(usual).filter((key) =>
  NAMES.has((typeof key === 'symbol' ? key.description : key) ?? ''),
) as readonly (keyof Server)[];

/**
 * What the program has asked of its server that is not done here, in words; undefined: everything that matters is as node:http makes it.
 * Asked for each connection.
 */
export function unusualOf(server: Server): string | undefined {
  if (NEED_DRAIN === undefined) return 'this version of Node';
  // One listener is node:http's own.
  if (server.listenerCount('connection') !== 1) return "a listener of 'connection'";
  for (const key of KEYS) if (server[key] !== usual[key]) return nameOf(key);
  return undefined;
}

function nameOf(key: string | symbol): string {
  return `'${(typeof key === 'symbol' ? key.description : key) ?? ''}'`;
}
