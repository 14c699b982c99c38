import { checkOptions, optionNames } from '@millrace/channel';
import { shown } from '@millrace/channel/errors';
import type { SegmentTrust } from '@millrace/shared-memory';
import { MetricsError } from '../errors.js';
import { memoryBytes } from '../memory/layout.js';

export interface RegistryOptions extends SegmentTrust {
  /** By which processes that inherit it find it again. Default: `'registry-1'`, `'registry-2'`, … in the order in which a process makes them. */
  readonly name?: string | undefined;
  /** Series of all its metrics together. Default 8,192. */
  readonly maxSeries?: number | undefined;
  /** Of its memory, which is taken when it is made. Default: 256 for each series. */
  readonly bytes?: number | undefined;
  /** Of a named segment that is made, as of a file. Default 0o600. */
  readonly permissions?: number | undefined;
  /** Told of what is lost, once for each metric and reason, and by each process. Default: a warning of the process. */
  readonly onLost?: ((error: MetricsError) => void) | undefined;
}

const REGISTRY_OPTIONS = optionNames<RegistryOptions>({
  name: true,
  maxSeries: true,
  bytes: true,
  permissions: true,
  trustedUsers: true,
  onLost: true,
});

export const DEFAULT_MAX_SERIES = 8_192;
const MOST_SERIES = 1_000_000;
const BYTES_PER_SERIES = 256;
const LEAST_BYTES = 4_096;
const MOST_BYTES = 2 ** 30;

/** Threads that add series to one registry, or have parts of its gauges, at a time. */
export const OWNERS = 1_024;

export function checkRegistryOptions(options: RegistryOptions): void {
  checkOptions(options, REGISTRY_OPTIONS, 'A registry');
  const { name, maxSeries = DEFAULT_MAX_SERIES, bytes = LEAST_BYTES, onLost } = options;
  if (name !== undefined && (typeof name !== 'string' || !/^[\w.-]{1,100}$/.test(name)))
    refuse('name', name, "1 to 100 letters, digits, '_', '.' and '-'");
  if (!Number.isInteger(maxSeries) || maxSeries < 1 || maxSeries > MOST_SERIES)
    refuse('maxSeries', maxSeries, `a whole number from 1 to ${MOST_SERIES}`);
  if (!Number.isInteger(bytes) || bytes < LEAST_BYTES || bytes > MOST_BYTES)
    refuse('bytes', bytes, `a whole number from ${LEAST_BYTES} to ${MOST_BYTES}`);
  if (onLost !== undefined && typeof onLost !== 'function') refuse('onLost', onLost, 'a function');
}

/** Bytes for the user of a segment that is made. */
export function sizeOf({ maxSeries = DEFAULT_MAX_SERIES, bytes }: RegistryOptions): number {
  return memoryBytes(bytes ?? Math.max(LEAST_BYTES, maxSeries * BYTES_PER_SERIES));
}

function refuse(option: string, value: unknown, limit: string): never {
  throw new MetricsError(
    'ERR_MILLRACE_METRICS_OPTION',
    `The option ${option} of a registry is ${shown(value)}, and has to be ${limit}.`,
    { value, limit },
  );
}
