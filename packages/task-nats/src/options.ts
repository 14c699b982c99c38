import { optionNames, shown } from '@millrace/channel';
import {
  BrokerError,
  type EngineOptions,
  positive,
  type ResolvedEngineOptions,
  resolveEngineOptions,
  TRANSPORT_OPTIONS,
} from '@millrace/task-broker';
import { serversOf } from './servers.js';

/** Where the tasks are, and how JetStream keeps them. */
export interface JetStreamOptions extends EngineOptions {
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
}

export interface ResolvedJetStreamOptions extends ResolvedEngineOptions {
  readonly servers: readonly string[];
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  readonly stream: string;
  readonly storage: 'file' | 'memory';
  readonly replicas: number;
}

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

export const JETSTREAM_TRANSPORT_OPTIONS = new Set([...JETSTREAM_OPTIONS, ...TRANSPORT_OPTIONS]);

/** Fills in the defaults. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function resolveJetStreamOptions(options: JetStreamOptions): ResolvedJetStreamOptions {
  const { servers, user, pass, token, stream = 'tasks', storage = 'file' } = options;
  if (typeof stream !== 'string' || !/^[\w-]+$/.test(stream)) {
    const message = `'stream' must be a name of letters, digits, '-' and '_', not ${shown(stream)}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
  }
  if (storage !== 'file' && storage !== 'memory') {
    const message = `'storage' must be 'file' or 'memory', not ${shown(storage)}.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
  }
  return {
    ...resolveEngineOptions(options),
    servers: serversOf(servers),
    user,
    pass,
    token,
    stream,
    storage,
    replicas: positive('replicas', options.replicas ?? 1),
  };
}
