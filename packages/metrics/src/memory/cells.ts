/** The same memory as numbers of each kind. */
export interface Views {
  readonly words: Int32Array;
  readonly longs: BigInt64Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
}

export function viewsOf(buffer: ArrayBuffer, byteOffset: number, size: number): Views {
  const units = Math.floor(size / 8);
  return {
    words: new Int32Array(buffer, byteOffset, units * 2),
    longs: new BigInt64Array(buffer, byteOffset, units),
    doubles: new Float64Array(buffer, byteOffset, units),
    bytes: new Uint8Array(buffer, byteOffset, units * 8),
  };
}

/** A number's value and its bits; of this thread alone. */
const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** Adds to a number that any thread may change: exact, whoever else adds at the same time. */
export function addDouble(longs: BigInt64Array, at: number, by: number): void {
  for (;;) {
    const seen = Atomics.load(longs, at);
    bits[0] = seen;
    double[0] = (double[0] as number) + by;
    if (Atomics.compareExchange(longs, at, seen, bits[0]) === seen) return;
  }
}

/** {@link addDouble} for a number that never goes down: what a process has written over begins again with 0. */
export function addCount(longs: BigInt64Array, at: number, by: number): void {
  for (;;) {
    const seen = Atomics.load(longs, at);
    bits[0] = seen;
    double[0] = countOf(double[0] as number) + by;
    if (Atomics.compareExchange(longs, at, seen, bits[0]) === seen) return;
  }
}

export function setDouble(longs: BigInt64Array, at: number, value: number): void {
  double[0] = value;
  Atomics.store(longs, at, bits[0] as bigint);
}

export function getDouble(longs: BigInt64Array, at: number): number {
  bits[0] = Atomics.load(longs, at);
  return double[0] as number;
}

/** What a counter says; 0 where a process has written over it. */
export function countOf(value: number): number {
  return value >= 0 ? value : 0;
}

/** A whole number that threads add to. */
export function getLong(longs: BigInt64Array, at: number): number {
  return countOf(Number(Atomics.load(longs, at)));
}
