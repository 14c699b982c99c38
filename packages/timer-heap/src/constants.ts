/** Shortest delay, in milliseconds: a timer is never for this very moment. */
export const MIN_DELAY_MS = 1;

/** Longest delay, in milliseconds (2^52, 142,000 years): the sum with any clock is still exact to a millisecond. */
export const MAX_DELAY_MS = 2 ** 52;

/** Longest single wait that drivers are asked for, in milliseconds: setTimeout and epoll take a signed 32-bit int. */
export const MAX_WAIT_MS = 2 ** 31 - 1;

/** Nodes in the heap beyond which its later half is parked: what stays fits the second-level cache. */
export const HEAP_LIMIT = 8_192;

/** How many times more each level of parked timers holds than its predecessor. */
export const LEVEL_FACTOR = 16;

/** Callbacks between two readings of the clock for the lateness: reading it costs as much as firing. */
export const CALLBACKS_PER_READING = 16;

/** Timers that a pass takes out of the heap at a time. */
export const RUN_LENGTH = 32;
