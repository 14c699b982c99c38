/** What both sides do; primitives.php has the same numbers. */
export const TIMERS = 1_000_000;
/** Milliseconds that no timer is due before; they are due up to as much later. */
export const LONG_MS = 3_600_000;
/** Rows of the table: an int64, a float64 and a text of 32 bytes. */
export const KEYS = 10_000;
/** From one key to the next: their order is not that of the memory. */
export const STRIDE = 7_919;
export const TABLE_OPERATIONS = 1_000_000;
export const ATOMIC_ADDS = 10_000_000;
/** Of lock and unlock. */
export const PAIRS = 5_000_000;

export type Operation =
  | 'timer add'
  | 'timer clear'
  | 'table set'
  | 'table get'
  | 'table increment'
  | 'atomic add'
  | 'mutex pair';
