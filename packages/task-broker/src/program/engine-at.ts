import type { TaskEngine } from '../engine/engine.js';
import { BrokerError } from '../errors.js';

interface Backend {
  readonly packageName: string;
  make(module: Record<string, (options: object) => TaskEngine>, address: string, name: string): TaskEngine;
}

const bullmq: Backend = {
  packageName: '@millrace/task-bullmq',
  make: ({ bullmqEngine }, connection, queue) =>
    (bullmqEngine as (options: object) => TaskEngine)({ connection, queue }),
};
const nats: Backend = {
  packageName: '@millrace/task-nats',
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

/** The engine at an address, whose scheme says which it is. Throws `ERR_MILLRACE_BROKER_OPTION`. */
export async function engineAt(address: string, name: string): Promise<TaskEngine> {
  const scheme = /^[a-z]+:/.exec(address)?.[0] ?? '';
  const backend = Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (backend === undefined) {
    const message = `A queue is an address that begins with ${Object.keys(BACKENDS).join('// or ')}//, not '${address}'.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { value: address });
  }
  let module: Record<string, (options: object) => TaskEngine>;
  try {
    module = (await import(backend.packageName)) as typeof module;
  } catch (cause) {
    const message = `A queue at ${scheme}// needs the package ${backend.packageName}: install it beside this one.`;
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message, { cause });
  }
  // A path of a Unix socket, as Redis has one.
  return backend.make(module, scheme === 'unix:' ? address.slice(scheme.length) : address, name);
}
