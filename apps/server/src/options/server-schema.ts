// What each option of `createServer` takes, and its default. options.ts says what it means.

import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { RemoteTransport, Tasks } from '@millrace/task-pool';
import * as v from 'valibot';
import { RING_BYTES } from '../constants.js';
import type { Bus } from '../contract/bus.js';
import { adminSchema } from './admin-schema.js';
import { defaultClientMemory } from './memory-there-is.js';
import {
  DISPATCH_MODES,
  IPC_KINDS,
  LOG_FORMATS,
  LOG_LEVELS,
  PROGRAM_OUTPUTS,
  type ServerOptions,
} from './options.js';
import { HTTP_ENGINES, type PortOptions } from './port-options.js';
import { portShape } from './port-schema.js';
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
  type ShapeOf,
  text,
} from './schema-parts.js';
import { isRemote, TASK_TRANSPORTS } from './task-transport.js';
import { programOutputHere } from './under-test.js';

/** A user or group. */
const identity = v.union([filledText, count(0, 2 ** 32 - 2)], 'a name, or an id');

const ringSize = v.pipe(
  count(4_096, MAX_BYTES),
  v.check((size) => Number.isInteger(Math.log2(size)), 'a power of two'),
);

/** A name that a header and a cookie can have, and a parameter of a query as it is written there. */
const dispatchKey = v.pipe(
  text,
  v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/, '1 to 256 letters, digits and signs of a name'),
);

/** The loop is looked at once a second: a shorter limit could not tell a hanging one from a busy one. */
const MIN_HANG_MS = 3_000;

const hangLimit = v.pipe(
  count(0, MAX_MS),
  v.check((ms) => ms === 0 || ms >= MIN_HANG_MS, `0, which is never, or ${MIN_HANG_MS} or more`),
);

/** Microseconds: the worker's other work is delayed by as much. */
const MAX_SPIN_US = 10_000;

/** More than a ring has room for. */
const MAX_CLIENT_MESSAGES = 1_000_000;
const ANY_COUNT = count(0, Number.MAX_SAFE_INTEGER);

const QUEUE_NAME = "a slash and 1 to 254 characters that are none, as in '/tasks'";

const engine = v.custom<RemoteTransport>(isRemote, 'what bullmq() of @millrace/task-bullmq gives');
const TRANSPORT_TEXT = `one of ${TASK_TRANSPORTS.map((name) => `'${name}'`).join(', ')}, or what bullmq() of @millrace/task-bullmq or jetStream() of @millrace/task-nats gives`;

export const serverShape = {
  mode: v.optional(oneOf(['process', 'base']), 'process'),
  httpEngine: v.optional(oneOf(HTTP_ENGINES), 'node'),
  reactorNum: v.optional(count(1, 256)),
  workerNum: v.optional(count(1, 1_000), () => availableParallelism()),
  maxWorkerNum: v.optional(count(1, 1_000)),
  taskWorkerNum: v.optional(count(0, 1_000), 0),
  maxTaskWorkerNum: v.optional(count(0, 1_000)),
  tasks: v.optional(
    v.record(
      text,
      v.custom<Tasks[string]>((task) => typeof task === 'function', 'a function'),
    ),
    {},
  ),
  bus: v.optional(
    v.custom<Bus>(
      isBus,
      'what redis() of @millrace/task-bullmq/bus or nats() of @millrace/task-nats/bus gives',
    ),
  ),
  taskTransport: v.optional(v.union([oneOf(TASK_TRANSPORTS), engine], TRANSPORT_TEXT), 'ring'),
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
  dispatchKey: v.optional(dispatchKey),
  enableDelayReceive: v.optional(flag, false),
  heartbeatCheckInterval: v.optional(count(1, MAX_MS)),
  lingerTime: v.optional(count(1, MAX_MS), 60_000),
  maxWaitTime: v.optional(duration, 3_000),
  retryRequests: v.optional(flag, false),
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
  standby: v.optional(flag, false),
  title: v.optional(filledText, 'millrace'),
  admin: v.optional(adminSchema, false),
  logLevel: v.optional(oneOf(LOG_LEVELS), 'info'),
  logFormat: v.optional(oneOf(LOG_FORMATS)),
  programOutput: v.optional(oneOf(PROGRAM_OUTPUTS), programOutputHere),
  outputLimit: v.optional(count(0, 1_000_000), 10_000),
} satisfies ShapeOf<Omit<ServerOptions, keyof PortOptions>>;

export const serverSchema = v.strictObject({ ...portShape, ...serverShape });

function isBus(value: unknown): boolean {
  const { name, module } = (value ?? {}) as Partial<Bus>;
  return typeof name === 'string' && typeof module === 'string' && module.startsWith('file:');
}

/** Whether Node finds the module when it is started with its path, which may lack the extension or be a directory. */
function isThere(url: string): boolean {
  if (!url.startsWith('file:')) return false;
  try {
    return createRequire(import.meta.url).resolve(fileURLToPath(url)) !== '';
  } catch {
    return false;
  }
}
