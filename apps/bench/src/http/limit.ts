import { runModule } from '../child.js';
import type { Contender, Limit } from '../harness.js';
import type { MemoryWork } from './from-memory.js';
import { fileOf, type ProgramName } from './programs.js';
import { metricOf } from './under-load.js';

/** A program that is fed from memory: what node:http and the program itself take, which no server in front of them makes less. */
export function fromMemory(program: ProgramName, work: MemoryWork): Contender {
  const run = () =>
    runModule<Record<string, number>>(
      new URL('./from-memory.js', import.meta.url),
      [fileOf(program), JSON.stringify(work)],
      { env: { NODE_ENV: 'production' } },
    );
  return { name: `${program}, fed from memory`, run };
}

/**
 * What there is to reach: the processor time of the program fed from memory, and of an epoll loop in C which receives and sends. Where all
 * processors are busy, nothing that takes as much can have a higher rate.
 */
export function limitOf(
  metric: 'rate' | 'cpu',
  connections: number,
  parts: readonly [memory: Contender, c: Contender],
): Limit {
  const name = metricOf('cpu', connections);
  const of: Limit['of'] = ([memory, c], peer) => {
    const least = (memory?.cpu as number) + (c?.[name] as number);
    if (metric === 'cpu') return least;
    return (peer[metricOf('rate', connections)] as number) * ((peer[name] as number) / least);
  };
  return { parts, of };
}
