import { checkOptions, optionNames, shown } from '@millrace/channel';
import { BrokerError } from '../errors.js';

const KEEP_AGE_S = 3_600;
const KEEP_COUNT = 10_000;
const LOCK_MS = 5_000;

/** What every engine is told of how it keeps answers and claims, beside what is its own. */
export interface EngineOptions {
  /** The engine keeps answers for so many seconds, and so many of them, whichever is less. Default an hour, and 10,000. */
  readonly keep?: { readonly age?: number; readonly count?: number };
  /**
   * Milliseconds that a host keeps a task without renewing its claim: it is renewed three times in this time. A host that is gone is
   * noticed after one and a half times as much at most, so within 10 s by default. Default 5,000.
   */
  readonly lock?: number;
}

export interface ResolvedEngineOptions {
  readonly keepAge: number;
  readonly keepCount: number;
  readonly lock: number;
}

const KEEP_OPTIONS = optionNames<NonNullable<EngineOptions['keep']>>({ age: true, count: true });

/** Fills in the defaults. Throws `ERR_MILLRACE_BROKER_OPTION` and `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function resolveEngineOptions({ keep = {}, lock }: EngineOptions): ResolvedEngineOptions {
  checkOptions(keep, KEEP_OPTIONS, 'keep');
  return {
    keepAge: positive('keep.age', keep.age ?? KEEP_AGE_S),
    keepCount: positive('keep.count', keep.count ?? KEEP_COUNT),
    lock: positive('lock', lock ?? LOCK_MS),
  };
}

/** Throws `ERR_MILLRACE_BROKER_OPTION` unless `value` is a whole number from 1 to that of the longest timer. */
export function positive(name: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31)
    return value as number;
  const message = `'${name}' must be a whole number from 1 to ${2 ** 31 - 1}, not ${shown(value)}.`;
  throw new BrokerError('ERR_MILLRACE_BROKER_OPTION', message);
}
