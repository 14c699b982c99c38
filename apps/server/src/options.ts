import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { type Framing, lengthTypes } from '@millrace/reactor';
import type { Tasks } from '@millrace/task-pool';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { MAX_DEFAULT_REACTORS, RING_BYTES } from './constants.js';
import { ServerError } from './errors.js';

/** How a port's stream is cut to messages: what reactor threads can be told, so without functions. */
export type PortFraming = Exclude<Framing, { kind: 'function' }>;

/** Where a server listens, and how it cuts what arrives there. */
export interface PortOptions {
  /** An IPv4 or IPv6 address. Default `'127.0.0.1'`. */
  readonly host?: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** How the stream is cut to messages. Default `{ kind: 'none' }`: each read is one. */
  readonly framing?: PortFraming;
  /** Bytes of the longest message; a client that sends a longer one is disconnected. Default 2 MiB. */
  readonly packageMaxLength?: number;
  /** Bytes that wait for one client before it is disconnected. Default 8 MiB. */
  readonly socketBufferSize?: number;
}

export interface ServerOptions<T extends Tasks = Tasks> extends PortOptions {
  /** Reactor threads. Default: the number of processors, at most 8 and at most `workerNum`. */
  readonly reactorNum?: number;
  /** Worker processes. Default: the number of processors. */
  readonly workerNum?: number;
  /** Task worker processes. Default 0: no tasks. */
  readonly taskWorkerNum?: number;
  /** The tasks that task workers run, by name. */
  readonly tasks?: T;
  /** Tasks that wait in a worker for a task worker; one more is an error. Default 10,000. */
  readonly taskMaxQueue?: number;
  /** Milliseconds that an ending process may take for what it has in hand, before it is killed. Default 3,000. */
  readonly maxWaitTime?: number;
  /** Bytes of the ring between each reactor thread and worker, per direction; a power of two. Default 1 MiB. */
  readonly ringSize?: number;
  /** The first word of what `ps` shows. Default `'millrace'`. */
  readonly title?: string;
  /** `'trace'`, `'debug'`, `'info'`, `'warn'`, `'error'`, `'fatal'` or `'silent'`. Default `'info'`. */
  readonly logLevel?: LogLevel;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export type ResolvedPort = Required<PortOptions>;

export type ResolvedOptions = Required<Omit<ServerOptions, keyof PortOptions>> & {
  readonly port: ResolvedPort;
};

const count = (min: number, max: number) => z.number().int().min(min).max(max);

const framing = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('eof'),
    delimiter: z.union([z.string(), z.instanceof(Uint8Array)]).optional(),
    includeDelimiter: z.boolean().optional(),
    split: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('length'),
    type: z.enum(lengthTypes).optional(),
    offset: z.number().int().min(0).optional(),
    bodyOffset: z.number().int().min(0).optional(),
  }),
]);

const portShape = {
  host: z
    .string()
    .refine((host) => isIP(host) !== 0, { error: 'an IPv4 or IPv6 address (resolve a host name first)' })
    .default('127.0.0.1'),
  port: count(0, 65_535),
  framing: framing.default({ kind: 'none' }),
  packageMaxLength: count(1, 2 ** 30).default(2 << 20),
  socketBufferSize: count(1, 2 ** 30).default(8 << 20),
};

const serverShape = {
  reactorNum: count(1, 256).optional(),
  workerNum: count(1, 1_000).default(() => availableParallelism()),
  taskWorkerNum: count(0, 1_000).default(0),
  tasks: z
    .record(
      z.string(),
      z.custom((task) => typeof task === 'function', { error: 'a function' }),
    )
    .default({}),
  taskMaxQueue: count(1, Number.MAX_SAFE_INTEGER).default(10_000),
  maxWaitTime: count(1, 2 ** 31 - 1).default(3_000),
  ringSize: count(4_096, 2 ** 30)
    .refine((size) => Number.isInteger(Math.log2(size)), { error: 'a power of two' })
    .default(RING_BYTES),
  title: z.string().min(1).default('millrace'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
};

const portSchema = z.strictObject(portShape);
const serverSchema = z.strictObject({ ...portShape, ...serverShape });

/** Checks the options of `createServer` and fills in the defaults. Throws `ERR_MILLRACE_OPTION` or `_UNKNOWN_OPTION`. */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  const { host, port, framing, packageMaxLength, socketBufferSize, ...rest } = parse(serverSchema, options);
  const reactors = rest.reactorNum ?? Math.min(availableParallelism(), MAX_DEFAULT_REACTORS);
  return {
    ...rest,
    tasks: rest.tasks as Tasks,
    reactorNum: Math.min(reactors, rest.workerNum),
    port: { host, port, framing: framing as PortFraming, packageMaxLength, socketBufferSize },
  };
}

/** Checks the options of `addListener` and fills in the defaults, which are the first port's but for the framing. */
export function resolvePort(options: PortOptions, defaults: ResolvedPort): ResolvedPort {
  const { host, packageMaxLength, socketBufferSize } = defaults;
  return parse(portSchema, { host, packageMaxLength, socketBufferSize, ...options }) as ResolvedPort;
}

function parse<S extends z.ZodType>(schema: S & { shape: object }, options: unknown): z.output<S> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw result.error;
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys as [string, ...string[]];
    const within = issue.path.length === 0 ? '' : ` in '${issue.path.join('.')}'`;
    const known = issue.path.length === 0 ? Object.keys(schema.shape) : ['kind', ...FRAMING_KEYS];
    const message = `There is no option '${key}'${within}; did you mean '${closest(key, known)}'?`;
    throw new ServerError('ERR_MILLRACE_UNKNOWN_OPTION', message, { cause: result.error });
  }
  const path = issue.path.join('.');
  const message = `The option '${path}' cannot be ${show(options, issue.path)}: ${issue.message}.`;
  throw new ServerError('ERR_MILLRACE_OPTION', message, { cause: result.error });
}

const FRAMING_KEYS = ['delimiter', 'includeDelimiter', 'split', 'type', 'offset', 'bodyOffset'];

/** The offending value, as a message shows it. */
function show(options: unknown, path: readonly PropertyKey[]): string {
  let value = options;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}
