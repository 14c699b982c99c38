export interface ChannelOptions {
  /** Bytes waiting in this process, 32 more for each message, above which `send` returns false. Default 1 MiB. */
  readonly highWaterMark?: number;
  /** The same above which `send` throws `ERR_MILLRACE_CHANNEL_FULL`. Default 64 MiB. */
  readonly hardLimit?: number;
  /** Most messages taken before other work of the loop gets its turn. Default 256. */
  readonly batch?: number;
  /** Runs a function at the end of the current batch of work; default `queueMicrotask`, a reactor's `defer` in one. */
  readonly schedule?: (flush: () => void) => void;
}

const DEFAULT_HIGH_WATER_MARK = 1 << 20;
const DEFAULT_HARD_LIMIT = 64 << 20;
const DEFAULT_BATCH = 256;
/** The names of a channel's own options, for the lists of those who open one. */
export const CHANNEL_OPTION_NAMES = {
  highWaterMark: true,
  hardLimit: true,
  batch: true,
  schedule: true,
} as const satisfies { readonly [Name in keyof Required<ChannelOptions>]: true };

/** Milliseconds that `close` waits for a reader, unless it has a time-out of its own: no close waits for ever. */
export const CLOSE_TIMEOUT_MS = 5_000;

export function withDefaults({
  highWaterMark = DEFAULT_HIGH_WATER_MARK,
  hardLimit = DEFAULT_HARD_LIMIT,
  batch = DEFAULT_BATCH,
  schedule = queueMicrotask,
}: ChannelOptions): Required<ChannelOptions> {
  return { highWaterMark, hardLimit, batch, schedule };
}
