import { optionNames } from '@millrace/channel';
import type { CallerSetup, PoolCore, PoolSetup, RemoteTransport } from '@millrace/task-pool/internal';
import type { TaskEngine } from '../engine/engine.js';
import { positive } from '../engine/engine-options.js';
import { BrokerError } from '../errors.js';
import { answering } from '../host/answering.js';
import { hostRecipe } from '../host/host-recipe.js';
import { noFinish } from '../host/remote-context.js';
import type { TaskCall } from '../host/task-call.js';
import { Bodies, type LargeValueStore } from '../wire/bodies.js';
import { VALUE_LIMIT } from '../wire/limits.js';
import { RemoteCaller } from './remote-caller.js';
import { RemotePool } from './remote-pool.js';

const SWEEP_EVERY_MS = 5_000;
const CONNECT_TIMEOUT_MS = 10_000;
const DRAIN_MS = 10_000;

/** What every transport of an engine takes beside what is its engine's own. */
export interface TransportOptions {
  /** Most bytes of a value, result or error; a larger one is `ERR_MILLRACE_TASK_TOO_LARGE`, or goes to `largeValues`. Default 256 KiB. */
  readonly valueLimit?: number;
  /** Keeps what is larger. The module of the tasks exports the same one, as `largeValues`. Default: none. */
  readonly largeValues?: LargeValueStore;
  /** Milliseconds without news of a task after which the engine is asked what became of it. Default 5,000. */
  readonly sweepEvery?: number;
  /** Milliseconds that tasks wait for an engine that is away, where `whenFull` is `'error'`. Default 10,000. */
  readonly connectTimeout?: number;
  /**
   * Milliseconds that running tasks of others have to end when the pool is closed; what runs longer is run again elsewhere. Default 10,000;
   * in a server its `maxWaitTime`, which is also the most.
   */
  readonly drain?: number;
}

export const TRANSPORT_OPTIONS = optionNames<TransportOptions>({
  valueLimit: true,
  largeValues: true,
  sweepEvery: true,
  connectTimeout: true,
  drain: true,
});

export interface ResolvedTransportOptions extends Required<Omit<TransportOptions, 'largeValues'>> {
  readonly largeValues: LargeValueStore | undefined;
}

/** The option `transport` of a `TaskPool`, for an engine. */
export function engineTransport(engine: TaskEngine, options: TransportOptions = {}): RemoteTransport {
  const resolved = resolveTransportOptions(options);
  return {
    name: engine.name,
    open: (setup: PoolSetup): PoolCore => new RemotePool(engine, resolved, setup),
    caller: (setup: CallerSetup) => new RemoteCaller(engine, resolved, setup),
    host: hostRecipe(engine.recipe, resolved.valueLimit, options.drain),
    answering: (handler) => {
      const { valueLimit: limit, largeValues: store } = resolved;
      const answer = answering(() => handler, new Bodies({ limit, store }), { source: -1, finish: noFinish });
      return (call, local) => answer(call as TaskCall, local);
    },
  };
}

export function resolveTransportOptions(options: TransportOptions): ResolvedTransportOptions {
  const { largeValues } = options;
  if (
    largeValues !== undefined &&
    !(typeof largeValues.put === 'function' && typeof largeValues.get === 'function')
  )
    throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', `'largeValues' must have the functions put and get.`);
  return {
    valueLimit: positive('valueLimit', options.valueLimit ?? VALUE_LIMIT),
    largeValues,
    sweepEvery: positive('sweepEvery', options.sweepEvery ?? SWEEP_EVERY_MS),
    connectTimeout: positive('connectTimeout', options.connectTimeout ?? CONNECT_TIMEOUT_MS),
    drain: positive('drain', options.drain ?? DRAIN_MS),
  };
}
