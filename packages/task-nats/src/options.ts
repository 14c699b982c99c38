import { checkOptions, optionNames, shown } from '@millrace/channel';
import { BrokerError, positive, type TransportOptions } from '@millrace/task-broker';

/** Where the tasks are, and how JetStream keeps them. */
export interface JetStreamOptions {
  /** `nats://host:4222`, or several of one cluster. Default: `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** Who connects. Default: nobody in particular. */
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** The stream: callers and hosts of one name belong together. Default `'tasks'`. */
  readonly stream?: string;
  /** Whether tasks and answers are kept on disk or in memory. Of whoever makes the stream. Default `'file'`. */
  readonly storage?: 'file' | 'memory';
  /** Copies in a cluster. Of whoever makes the stream. Default 1. */
  readonly replicas?: number;
  /** Answers are kept for so many seconds, and so many of them, whichever is less. Default an hour, and 10,000. */
  readonly keep?: { readonly age?: number; readonly count?: number };
  /** Milliseconds that a host keeps a task without renewing its claim: it is renewed three times in this time. Default 5,000. */
  readonly lock?: number;
}

export interface ResolvedJetStreamOptions {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  readonly stream: string;
  readonly storage: 'file' | 'memory';
  readonly replicas: number;
  readonly keepAge: number;
  readonly keepCount: number;
  readonly lock: number;
}

const KEEP_AGE_S = 3_600;
const KEEP_COUNT = 10_000;
const LOCK_MS = 5_000;

const OWN = {
  servers: true,
  user: true,
  pass: true,
  token: true,
  stream: true,
  storage: true,
  replicas: true,
  keep: true,
  lock: true,
} as const;

export const JETSTREAM_OPTIONS = optionNames<JetStreamOptions>(OWN);

export const JETSTREAM_TRANSPORT_OPTIONS = optionNames<JetStreamOptions & TransportOptions>({
  ...OWN,
  valueLimit: true,
  largeValues: true,
  sweepEvery: true,
  connectTimeout: true,
  drain: true,
});

/** Fills in the defaults. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function resolveJetStreamOptions(options: JetStreamOptions): ResolvedJetStreamOptions {
  const {
    servers = 'nats://127.0.0.1:4222',
    user,
    pass,
    token,
    stream = 'tasks',
    storage = 'file',
    keep = {},
  } = options;
  if (typeof stream !== 'string' || !/^[\w-]+$/.test(stream)) {
    const message = `'stream' must be a name of letters, digits, '-' and '_', not ${shown(stream)}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
  }
  if (storage !== 'file' && storage !== 'memory') {
    const message = `'storage' must be 'file' or 'memory', not ${shown(storage)}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
  }
  checkOptions(keep, optionNames<NonNullable<JetStreamOptions['keep']>>({ age: true, count: true }), 'keep');
  return {
    servers: typeof servers === 'string' ? [servers] : [...servers],
    user,
    pass,
    token,
    stream,
    storage,
    replicas: positive('replicas', options.replicas ?? 1),
    keepAge: positive('keep.age', keep.age ?? KEEP_AGE_S),
    keepCount: positive('keep.count', keep.count ?? KEEP_COUNT),
    lock: positive('lock', options.lock ?? LOCK_MS),
  };
}
