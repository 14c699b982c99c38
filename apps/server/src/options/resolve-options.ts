import { availableParallelism } from 'node:os';
import { isAbsolute } from 'node:path';
import type * as v from 'valibot';
import { MAX_DEFAULT_REACTORS } from '../constants.js';
import type { Protocol } from '../contract/protocol.js';
import { resolveAdmin } from './admin-schema.js';
import { given, pick } from './given.js';
import { optionError } from './option-error.js';
import type { ServerOptions } from './options.js';
import { parseOptions } from './parse-options.js';
import { isInherited, type PortOptions } from './port-options.js';
import { portDefaults, portSchema, portShape } from './port-schema.js';
import type { ResolvedPort } from './resolved-port.js';
import { serverSchema, serverShape } from './server-schema.js';
import { defaultTaskRingSize, transportsOf } from './task-transport.js';
import { portUnderTest } from './under-test.js';

/** All options of `createServer`, with their defaults; those of its first listener are `port`. */
export type ResolvedOptions = Readonly<ReturnType<typeof resolveOptions>>;

/** Checks the options of `createServer` and fills in the defaults; `late`: a program says later where it listens. Throws `ERR_MILLRACE_OPTION` or `_UNKNOWN_OPTION`. */
export function resolveOptions(options: ServerOptions, late = false) {
  const parsed = parseOptions(serverSchema, options);
  if (parsed.mode === 'base') checkBase(options);
  const transports = transportsOf(parsed.taskTransport);
  checkTaskQueue({ ...parsed, taskTransport: transports.taskEngine?.name ?? transports.taskTransport });
  if (parsed.spin > 0 && parsed.ipc === 'pipe')
    throw optionError(
      `The option 'spin' cannot be ${parsed.spin} with ipc 'pipe': pipes cannot be polled. Leave it out, or set ipc 'ring'.`,
    );
  if (parsed.dispatchMode === 'function' && parsed.dispatchModule === undefined)
    throw optionError("dispatchMode 'function' needs 'dispatchModule', a module that exports 'dispatch'.");
  if (parsed.dispatchMode !== 'function' && parsed.dispatchModule !== undefined)
    throw optionError(`'dispatchModule' is for dispatchMode 'function', not '${parsed.dispatchMode}'.`);
  const isByKey = ['query', 'header', 'cookie'].includes(parsed.dispatchMode);
  if (isByKey && parsed.dispatchKey === undefined)
    throw optionError(
      `dispatchMode '${parsed.dispatchMode}' needs 'dispatchKey', the name of the value that chooses the worker.`,
    );
  if (!isByKey && parsed.dispatchKey !== undefined)
    throw optionError(
      `'dispatchKey' is for dispatchMode 'query', 'header' or 'cookie', not '${parsed.dispatchMode}'.`,
    );
  for (const name of ['pidFile', 'logFile'] as const) {
    const path = parsed[name];
    // Relative to what? The background's directory is not the one that the program was started in.
    if (parsed.daemonize && path !== undefined && !isAbsolute(path))
      throw optionError(`The option '${name}' cannot be "${path}": with 'daemonize' it is an absolute path.`);
  }
  const { workerNum, taskWorkerNum } = parsed;
  const reactorNum = parsed.reactorNum ?? Math.min(availableParallelism(), MAX_DEFAULT_REACTORS);
  return {
    ...pick(parsed, SERVER_OPTIONS),
    ...transports,
    // In base mode each worker is the reactor of its own clients.
    reactorNum: parsed.mode === 'base' ? workerNum : Math.min(reactorNum, workerNum),
    maxWorkerNum: mostOf('maxWorkerNum', parsed.maxWorkerNum, 'workerNum', workerNum),
    maxTaskWorkerNum: mostOf('maxTaskWorkerNum', parsed.maxTaskWorkerNum, 'taskWorkerNum', taskWorkerNum),
    taskRingSize: parsed.taskRingSize ?? defaultTaskRingSize(workerNum, taskWorkerNum),
    maxClientMessages: parsed.maxClientMessages ?? DEFAULT_CLIENT_MESSAGES[parsed.ipc],
    clientMemoryHighWatermark: highWatermarkOf(parsed),
    maxRequestGrace: parsed.maxRequestGrace ?? defaultGrace(parsed.maxRequest),
    taskMaxRequestGrace: parsed.taskMaxRequestGrace ?? defaultGrace(parsed.taskMaxRequest),
    admin: resolveAdmin(parsed.admin, parsed.title),
    port: resolveParsedPort(parsed, parsed.heartbeatCheckInterval, late),
  };
}

/** Places beyond those that have a process from the start, by default: in base mode what they cost grows with their square. */
const MOST_SPARE_PLACES = 16;

/** As many processes as there may be of a role; `given` is what the options say. */
function mostOf(name: string, given: number | undefined, started: string, num: number): number {
  if (given === undefined) {
    const twice = Math.max(num, availableParallelism()) * 2;
    return num === 0 ? 0 : Math.min(twice, num + MOST_SPARE_PLACES, Math.max(MOST_PLACES, num));
  }
  if (given < num)
    throw optionError(`The option '${name}' cannot be ${given}: at least '${started}', which is ${num}.`);
  if (num === 0 && given > 0)
    throw optionError(
      `The option '${name}' cannot be ${given} where '${started}' is 0: a server without them has nothing to scale.`,
    );
  return given;
}

/** As the schema has it. */
const MOST_PLACES = 1_000;

const SERVER_OPTIONS = Object.keys(serverShape) as (keyof typeof serverShape)[];
const PORT_OPTIONS = Object.keys(portShape) as (keyof typeof portShape)[];

/** Options of reactor threads and of how they deal messages out, with the reason why base mode has none. */
const PROCESS_MODE_ONLY = {
  reactorNum: 'workers serve their own clients, and there are no reactor threads',
  dispatchMode: 'a client belongs to the worker that has accepted it',
  dispatchModule: 'a client belongs to the worker that has accepted it',
  dispatchKey: 'a client belongs to the worker that has accepted it',
  retryRequests: 'a client ends with its worker',
  ipc: 'what a client sends goes from its reactor to its worker by a call',
  spin: 'what a client sends goes from its reactor to its worker by a call',
} as const;

function checkBase(options: ServerOptions): void {
  for (const [name, why] of Object.entries(PROCESS_MODE_ONLY)) {
    const value = options[name as keyof typeof PROCESS_MODE_ONLY];
    if (value === undefined) continue;
    const message = `The option '${name}' cannot be ${JSON.stringify(value)} with mode 'base': ${why}. Leave it out, or set mode 'process'.`;
    throw optionError(message);
  }
}

/** Which queue: a transport that is one needs to know, others have none. */
const QUEUES = { taskQueueKey: 'system-v-queue', taskQueueName: 'posix-queue' } as const;

function checkTaskQueue(
  options: Partial<Readonly<Record<keyof typeof QUEUES | 'taskTransport', unknown>>>,
): void {
  for (const [name, transport] of Object.entries(QUEUES) as [keyof typeof QUEUES, string][]) {
    const value = options[name];
    if (options.taskTransport === transport && value === undefined)
      throw optionError(
        `taskTransport '${transport}' needs '${name}': tasks that are left in the queue are found by it.`,
      );
    if (options.taskTransport !== transport && value !== undefined)
      throw optionError(
        `The option '${name}' cannot be ${JSON.stringify(value)}: it is for taskTransport '${transport}', not '${options.taskTransport}'.`,
      );
  }
}

/** As Swoole's: a few messages are a limit for tests, which wants to be exact. */
function defaultGrace(limit: number): number {
  return limit > 10 ? Math.floor(limit / 2) : 0;
}

/** About 0.1 ms of a worker's time, of small messages; a pipe takes two system calls for each. */
const DEFAULT_CLIENT_MESSAGES = { ring: 32, pipe: 16 } as const;

/** The mark's share of the bound. */
const HIGH_WATER_SHARE = 0.75;

function highWatermarkOf({
  maxClientMemory,
  clientMemoryHighWatermark,
}: {
  readonly maxClientMemory: number;
  readonly clientMemoryHighWatermark?: number | undefined;
}): number {
  const mark = clientMemoryHighWatermark ?? Math.floor(maxClientMemory * HIGH_WATER_SHARE);
  if (mark > maxClientMemory)
    throw optionError(above('clientMemoryHighWatermark', mark, 'maxClientMemory', maxClientMemory));
  return mark;
}

/** What a listener has from the first one where it says nothing of its own. */
const INHERITED = [
  'host',
  'packageMaxLength',
  'socketBufferSize',
  'bufferHighWatermark',
  'bufferLowWatermark',
  'backlog',
  'noDelay',
  'keepAlive',
  'userTimeout',
  'heartbeatIdleTime',
  'maxIdleTime',
] as const;

/** Checks the options of `addListener` and fills in the defaults: the first port's for what is not its own. */
export function resolvePort(
  options: PortOptions,
  server: ResolvedOptions,
  protocol: Protocol = 'messages',
): ResolvedPort {
  const { host, bufferHighWatermark, ...inherited } = pick(server.port, INHERITED);
  const all: PortOptions = {
    ...inherited,
    ...(!isInherited(server.port) && { host }),
    // The mark goes with the size that it was made for.
    ...(options.socketBufferSize === undefined && { bufferHighWatermark }),
    ...options,
  };
  const port = resolveParsedPort(parseOptions(portSchema, all), server.heartbeatCheckInterval);
  return protocol === 'messages' ? port : servedPort(port, protocol, options);
}

/** Names of options that mean nothing where a server of the program has the connections. */
const OF_MESSAGES = ['type', 'framing', 'packageMaxLength'] as const;

/** The port of a listener that a server of the program serves; `given`: the options that are its own. */
export function servedPort(port: ResolvedPort, protocol: Protocol, given: PortOptions): ResolvedPort {
  for (const name of OF_MESSAGES)
    if (given[name] !== undefined)
      throw optionError(
        `The option '${name}' is of listeners with messages: what a served one gets, its server reads as it comes.`,
      );
  const { bufferHighWatermark = SERVED_HIGH_WATER, bufferLowWatermark = SERVED_HIGH_WATER >> 2 } = given;
  const high = Math.min(bufferHighWatermark, port.socketBufferSize);
  return {
    ...port,
    protocol,
    type: 'stream',
    framing: { kind: 'none' },
    packageMaxLength: portDefaults.packageMaxLength,
    bufferHighWatermark: high,
    bufferLowWatermark: Math.min(bufferLowWatermark, high),
  };
}

/** What a program is told of its backpressure is true by so much: bytes that wait for a client before a write is not over. */
const SERVED_HIGH_WATER = 1 << 19;

/** Not exported: declarations that users compile against must not mention valibot, which is bundled. */
function resolveParsedPort(
  parsed: v.InferOutput<typeof portSchema>,
  heartbeatCheckInterval = 0,
  late = false,
) {
  const own = given(pick(parsed, PORT_OPTIONS));
  const { port, path, fd, activation, socketBufferSize, bufferLowWatermark } = own;
  const places = [port, path, fd, activation].filter((place) => place !== undefined);
  if (places.length !== (late ? 0 : 1))
    throw optionError(
      "A listener has either a 'port' (0 picks a free one) or a 'path', the one of a unix socket; " +
        "or else 'fd' or 'activation', a socket that it is handed.",
    );
  if (own.tls !== undefined && (path !== undefined || own.type === 'datagram'))
    throw optionError("'tls' is for TCP: a listener with a 'port', of the type 'stream'.");
  const bufferHighWatermark = own.bufferHighWatermark ?? Math.floor(socketBufferSize / 2);
  if (bufferHighWatermark > socketBufferSize)
    throw optionError(
      above('bufferHighWatermark', bufferHighWatermark, 'socketBufferSize', socketBufferSize),
    );
  if (bufferLowWatermark > bufferHighWatermark)
    throw optionError(
      above('bufferLowWatermark', bufferLowWatermark, 'bufferHighWatermark', bufferHighWatermark),
    );
  return {
    ...own,
    ...(port !== undefined && { port: portUnderTest(port) }),
    ...(isInherited(own) && { host: '' }),
    bufferHighWatermark,
    heartbeatIdleTime: own.heartbeatIdleTime ?? heartbeatCheckInterval * 2,
    protocol: 'messages' as Protocol,
    /** It is bound when a program asks for it, while the server runs; what it says of its place means nothing. */
    late,
    /** Its TLS is that of the server that serves it, which may have other keys and certificates later. */
    tlsOfServer: false,
  };
}

function above(name: string, value: number, limit: string, most: number): string {
  return `The option '${name}' cannot be ${value}: at most '${limit}', which is ${most}.`;
}
