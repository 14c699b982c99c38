import { echo, noop, primes, type WorkName } from './work.js';

const work = { noop, echo, primes } as Record<WorkName, (value: never) => unknown>;
process.on('message', ({ id, name, value }: { id: number; name: WorkName; value: never }) => {
  process.send?.({ id, result: work[name](value) });
});
