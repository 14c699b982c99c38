/** What every pool runs: the same functions, registered in each one's own way. */
export function noop(): undefined {
  return undefined;
}

export function echo(value: unknown): unknown {
  return value;
}

/** Computes for some milliseconds: counts primes below `limit` by trial division. */
export function primes(limit: number): number {
  let count = 0;
  for (let n = 2; n < limit; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) count++;
  }
  return count;
}

export type WorkName = 'noop' | 'echo' | 'primes';
