import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { didYouMean } from '@millrace/channel';
import { ArgumentError } from '@millrace/channel/errors';
import type { Tasks } from '@millrace/task-pool';
import * as v from 'valibot';
import { MAX_DEFAULT_REACTORS, RING_BYTES } from '../constants.js';
import { ServerError } from '../errors.js';
import { defaultClientMemory } from './memory-there-is.js';
import {
  DISPATCH_MODES,
  IPC_KINDS,
  LOG_LEVELS,
  type ResolvedOptions,
  type ServerOptions,
} from './options.js';
import { isInherited, type PortFraming, type PortOptions, type ResolvedPort } from './port-options.js';
import { FRAMING_KINDS, NESTED, portShape } from './port-schema.js';
import {
  absolutePath,
  count,
  duration,
  filledText,
  flag,
  MAX_BYTES,
  MAX_MS,
  moduleUrl,
  oneOf,
  text,
} from './schema-parts.js';
import { defaultTaskRingSize, TASK_TRANSPORTS } from './task-transport.js';
import { portUnderTest } from './under-test.js';

/** A user or group. */
const identity = v.union([filledText, count(0, 2 ** 32 - 2)], 'a name, or an id');

const ringSize = v.pipe(
  count(4_096, MAX_BYTES),
  v.check((size) => Number.isInteger(Math.log2(size)), 'a power of two'),
);

/** A loop is looked at once a second: a shorter limit could not tell a hanging one from a busy one. */
const MIN_HANG_MS = 3_000;

const hangLimit = v.pipe(
  count(0, MAX_MS),
  v.check((ms) => ms === 0 || ms >= MIN_HANG_MS, `0, which is never, or ${MIN_HANG_MS} or more`),
);

/** Microseconds: what else a worker has to do waits for as long. */
const MAX_SPIN_US = 10_000;

/** More than a ring has room for. */
const MAX_CLIENT_MESSAGES = 1_000_000;
const ANY_COUNT = count(0, Number.MAX_SAFE_INTEGER);

const QUEUE_NAME = "a slash and 1 to 254 characters that are none, as in '/tasks'";

const serverShape = {
  mode: v.optional(oneOf(['process', 'base']), 'process'),
  reactorNum: v.optional(count(1, 256)),
  workerNum: v.optional(count(1, 1_000), () => availableParallelism()),
  taskWorkerNum: v.optional(count(0, 1_000), 0),
  tasks: v.optional(
    v.record(
      text,
      v.custom((task) => typeof task === 'function', 'a function'),
    ),
    {},
  ),
  taskTransport: v.optional(oneOf(TASK_TRANSPORTS), 'ring'),
  taskQueueKey: v.optional(
    v.pipe(
      count(-(2 ** 31), 2 ** 32 - 1),
      v.check((key) => key !== 0, 'other than 0, which is no key'),
    ),
  ),
  taskQueueName: v.optional(v.pipe(text, v.regex(/^\/[^/\0]{1,254}$/, QUEUE_NAME))),
  taskQueueTrustedUsers: v.optional(
    v.union([v.literal('any'), v.array(count(0, 2 ** 32 - 2))], "'any', or ids of users"),
    () => [],
  ),
  taskRingSize: v.optional(ringSize),
  taskLargeValues: v.optional(oneOf(['memory', 'file']), 'memory'),
  taskTmpdir: v.optional(absolutePath, tmpdir),
  taskMaxQueue: v.optional(count(1, Number.MAX_SAFE_INTEGER), 10_000),
  maxConnections: v.optional(count(1, 1_000_000), 10_000),
  maxClientMessages: v.optional(count(1, MAX_CLIENT_MESSAGES)),
  maxClientBytes: v.optional(count(1, MAX_BYTES), 256 << 10),
  maxClientMemory: v.optional(count(1 << 20, Number.MAX_SAFE_INTEGER), defaultClientMemory),
  clientMemoryHighWatermark: v.optional(count(1, Number.MAX_SAFE_INTEGER)),
  clientMemoryTimeout: v.optional(count(1, MAX_MS), 10_000),
  reservedDescriptors: v.optional(count(0, 1_000_000), 64),
  startSessionId: v.optional(count(1, 2 ** 52), 1),
  dispatchMode: v.optional(oneOf(DISPATCH_MODES), 'fixed'),
  dispatchModule: v.optional(moduleUrl),
  enableDelayReceive: v.optional(flag, false),
  heartbeatCheckInterval: v.optional(count(1, MAX_MS)),
  lingerTime: v.optional(count(1, MAX_MS), 60_000),
  maxWaitTime: v.optional(duration, 3_000),
  hangTimeout: v.optional(hangLimit, 0),
  taskHangTimeout: v.optional(hangLimit, 0),
  maxRequest: v.optional(ANY_COUNT, 0),
  maxRequestGrace: v.optional(ANY_COUNT),
  taskMaxRequest: v.optional(ANY_COUNT, 0),
  taskMaxRequestGrace: v.optional(ANY_COUNT),
  workerMaxConcurrency: v.optional(ANY_COUNT, 0),
  maxWorkerMemory: v.optional(ANY_COUNT, 0),
  entry: v.optional(v.pipe(moduleUrl, v.check(isThere, 'the path of a file that there is, or its URL'))),
  pidFile: v.optional(filledText),
  daemonize: v.optional(flag, false),
  umask: v.optional(count(0, 0o777)),
  user: v.optional(identity),
  group: v.optional(identity),
  chroot: v.optional(absolutePath),
  logFile: v.optional(filledText),
  ipc: v.optional(oneOf(IPC_KINDS), 'ring'),
  ringSize: v.optional(ringSize, RING_BYTES),
  spin: v.optional(count(0, MAX_SPIN_US), 0),
  spares: v.optional(count(0, 1_000)),
  title: v.optional(filledText, 'millrace'),
  logLevel: v.optional(oneOf(LOG_LEVELS), 'info'),
};

const portSchema = v.strictObject(portShape);
const serverSchema = v.strictObject({ ...portShape, ...serverShape });

/** Checks the options of `createServer` and fills in the defaults. Throws `ERR_MILLRACE_OPTION` or `_UNKNOWN_OPTION`. */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  const parsed = parse(serverSchema, options);
  if (parsed.mode === 'base') checkBase(options);
  checkTaskQueue(parsed);
  if (parsed.spin > 0 && parsed.ipc === 'pipe')
    throw optionError(
      `The option 'spin' cannot be ${parsed.spin} with ipc 'pipe': only in a ring can be looked.`,
    );
  const reactors = parsed.reactorNum ?? Math.min(availableParallelism(), MAX_DEFAULT_REACTORS);
  const own = Object.fromEntries(Object.keys(serverShape).map((key) => [key, parsed[key as 'title']]));
  if (parsed.dispatchMode === 'function' && parsed.dispatchModule === undefined)
    throw optionError("dispatchMode 'function' needs 'dispatchModule', a module that exports 'dispatch'.");
  if (parsed.dispatchMode !== 'function' && parsed.dispatchModule !== undefined)
    throw optionError(`'dispatchModule' is for dispatchMode 'function', not '${parsed.dispatchMode}'.`);
  for (const name of ['pidFile', 'logFile'] as const) {
    const path = parsed[name];
    // Relative to what? The background's directory is not the one that the program was started in.
    if (parsed.daemonize && path !== undefined && !isAbsolute(path))
      throw optionError(`The option '${name}' cannot be "${path}": with 'daemonize' it is an absolute path.`);
  }
  return {
    ...(own as unknown as ResolvedOptions),
    tasks: parsed.tasks as Tasks,
    // In base mode each worker is the reactor of its own clients.
    reactorNum: parsed.mode === 'base' ? parsed.workerNum : Math.min(reactors, parsed.workerNum),
    taskRingSize: parsed.taskRingSize ?? defaultTaskRingSize(parsed.workerNum, parsed.taskWorkerNum),
    taskQueueKey: parsed.taskQueueKey,
    taskQueueName: parsed.taskQueueName,
    taskQueueTrustedUsers: parsed.taskQueueTrustedUsers,
    maxClientMessages: parsed.maxClientMessages ?? DEFAULT_CLIENT_MESSAGES[parsed.ipc],
    clientMemoryHighWatermark: highWatermarkOf(parsed),
    heartbeatCheckInterval: parsed.heartbeatCheckInterval,
    dispatchModule: parsed.dispatchModule,
    maxRequestGrace: parsed.maxRequestGrace ?? defaultGrace(parsed.maxRequest),
    taskMaxRequestGrace: parsed.taskMaxRequestGrace ?? defaultGrace(parsed.taskMaxRequest),
    entry: parsed.entry,
    pidFile: parsed.pidFile,
    umask: parsed.umask,
    user: parsed.user,
    group: parsed.group,
    chroot: parsed.chroot,
    logFile: parsed.logFile,
    spares: parsed.spares,
    port: checkPort(parsed, parsed),
  };
}

/** What is about reactor threads, and about who gets what from them. */
const PROCESS_MODE_ONLY = {
  reactorNum: 'workers serve their own clients, and there are no reactor threads',
  dispatchMode: 'a client belongs to the worker that has accepted it',
  dispatchModule: 'a client belongs to the worker that has accepted it',
  ipc: 'what a client sends goes from its reactor to its worker by a call',
  spin: 'what a client sends goes from its reactor to its worker by a call',
} as const;

/** Whether Node finds the module when it is started with its path, which may lack the extension or be a directory. */
function isThere(url: string): boolean {
  if (!url.startsWith('file:')) return false;
  try {
    return createRequire(import.meta.url).resolve(fileURLToPath(url)) !== '';
  } catch {
    return false;
  }
}

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
export function resolvePort(options: PortOptions, server: ResolvedOptions): ResolvedPort {
  const { port } = server;
  const inherited: Record<string, unknown> = {};
  for (const key of INHERITED) inherited[key] = port[key];
  if (isInherited(port)) delete inherited.host;
  // The mark goes with the size that it was made for.
  if (options.socketBufferSize !== undefined) delete inherited.bufferHighWatermark;
  return checkPort(parse(portSchema, { ...inherited, ...options }), server);
}

type ParsedPort = v.InferOutput<typeof portSchema>;

function checkPort(
  parsed: ParsedPort,
  { heartbeatCheckInterval }: { readonly heartbeatCheckInterval?: number | undefined },
): ResolvedPort {
  const own = Object.fromEntries(
    Object.keys(portShape)
      .filter((key) => parsed[key as 'host'] !== undefined)
      .map((key) => [key, parsed[key as 'host']]),
  ) as unknown as ParsedPort;
  const { port, path, fd, activation, socketBufferSize, bufferLowWatermark } = own;
  const places = [port, path, fd, activation].filter((place) => place !== undefined);
  if (places.length !== 1)
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
    framing: own.framing as PortFraming,
    keepAlive: own.keepAlive as ResolvedPort['keepAlive'],
    bufferHighWatermark,
    heartbeatIdleTime: own.heartbeatIdleTime ?? (heartbeatCheckInterval ?? 0) * 2,
  } as ResolvedPort;
}

function above(name: string, value: number, limit: string, most: number): string {
  return `The option '${name}' cannot be ${value}: at most '${limit}', which is ${most}.`;
}

function optionError(message: string): ServerError {
  return new ServerError('ERR_MILLRACE_OPTION', message);
}

function parse<S extends v.GenericSchema>(
  schema: S & { readonly entries: object },
  options: unknown,
): v.InferOutput<S> {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)) ?? [];
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const key = path.pop() ?? '';
    const within = path.length === 0 ? '' : ` in '${path.join('.')}'`;
    const known = path[0] === undefined ? Object.keys(schema.entries) : (NESTED[path[0]] ?? []);
    const message = `There is no option '${key}'${within}${didYouMean(key, known)}`;
    const value = issue.path?.at(-1)?.value;
    throw new ArgumentError('ERR_MILLRACE_UNKNOWN_OPTION', message, { argument: key, value });
  }
  const name = path.length === 0 ? 'The options' : `The option '${path.join('.')}'`;
  if (issue.type === 'strict_object' && issue.expected !== 'Object') throw optionError(`${name} is missing.`);
  const value = issue.path?.at(-1)?.value ?? issue.input;
  const isKind = issue.type === 'variant' && path.at(-1) === 'kind';
  const isObject = issue.expected === 'Object' && issue.type !== 'variant';
  const wanted = isKind ? FRAMING_KINDS : isObject ? 'an object' : issue.message;
  throw optionError(`${name} cannot be ${show(value)}: ${wanted}.`);
}

/** The offending value, as a message shows it. */
function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}
