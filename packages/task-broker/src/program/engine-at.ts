import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { TaskEngine } from '../engine/engine.js';
import { BrokerError } from '../errors.js';

interface Backend {
  readonly packageName: string;
  /** What installs it, with what it needs to be beside it. */
  readonly install: string;
  make(module: Record<string, (options: object) => TaskEngine>, address: string, name: string): TaskEngine;
}

const bullmq: Backend = {
  packageName: '@millrace/task-bullmq',
  install: 'npm install @millrace/task-bullmq ioredis',
  make: ({ bullmqEngine }, connection, queue) =>
    (bullmqEngine as (options: object) => TaskEngine)({ connection, queue }),
};
const nats: Backend = {
  packageName: '@millrace/task-nats',
  install: 'npm install @millrace/task-nats',
  make: ({ jetStreamEngine }, servers, stream) =>
    (jetStreamEngine as (options: object) => TaskEngine)({ servers, stream }),
};

const BACKENDS: Readonly<Record<string, Backend>> = {
  'redis:': bullmq,
  'unix:': bullmq,
  'rediss:': bullmq,
  'nats:': nats,
  'tls:': nats,
};

/**
 * The engine at an address, whose scheme says which it is. Its package is that of the project of `file`, else one beside this package.
 * Throws `ERR_MILLRACE_BROKER_OPTION`.
 */
export async function engineAt(address: string, name: string, file: string): Promise<TaskEngine> {
  const scheme = /^[a-z]+:/.exec(address)?.[0] ?? '';
  const backend = Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (backend === undefined) {
    const message = `A queue is an address that begins with ${Object.keys(BACKENDS).join('// or ')}//, not '${address}'.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { value: address });
  }
  const module = await load(backend, scheme, file);
  // A path of a Unix socket, as Redis has one.
  return backend.make(module, scheme === 'unix:' ? address.slice(scheme.length) : address, name);
}

type Exports = Record<string, (options: object) => TaskEngine>;

async function load({ packageName, install }: Backend, scheme: string, file: string): Promise<Exports> {
  try {
    return (await import(placeOf(packageName, file))) as Exports;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const why = isMissing ? 'which is not here whole' : `which cannot be loaded: ${message}`;
    throw new BrokerError(
      'ERR_MILLRACE_BROKER_OPTION',
      `A queue at ${scheme}// needs the package ${packageName}, ${why}. In the project of ${file}: ${install}`,
      { cause },
    );
  }
}

/** Where the project of a file has a package; its bare name, where it has none. */
function placeOf(packageName: string, file: string): string {
  try {
    return pathToFileURL(createRequire(file).resolve(packageName)).href;
  } catch {
    return packageName;
  }
}
