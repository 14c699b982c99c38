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

/** Whether the program has left everything of its server as it is made that matters here. */
export function isUsual(server: Server): boolean {
  // One listener is node:http's own.
  return (
    NEED_DRAIN !== undefined &&
    server.listenerCount('connection') === 1 &&
    KEYS.every((key) => server[key] === usual[key])
  );
}
