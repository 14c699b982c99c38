import { readdirSync } from 'node:fs';
import { setPriority as setPriorityOf } from 'node:os';
import { CPU_SET_BYTES, check, EINVAL, syscalls } from '@millrace/native/syscalls';
import { ProcessPoolError } from '../errors.js';

/** Linux keeps both for each thread; a process has them when all of its threads do. New threads take their maker's. */
function forEachThread(pid: number, set: (thread: number) => void): void {
  const done = new Set<number>();
  // Threads that were made meanwhile by one that had not been seen to are in the next listing.
  for (let found = true; found; ) {
    found = false;
    for (const thread of readdirSync(`/proc/${pid}/task`).map(Number)) {
      if (done.has(thread)) continue;
      try {
        set(thread);
      } catch (error) {
        // It has ended meanwhile; the first one has when the process has.
        if (thread === pid || !isGone(error)) throw error;
      }
      done.add(thread);
      found = true;
    }
  }
}

function isGone(error: unknown): boolean {
  const { errnoName, info } = error as { errnoName?: string; info?: { code: string } };
  return (errnoName ?? info?.code) === 'ESRCH';
}

/** Sets how willingly a process lets others run: from 19, most, to -20. Throws EACCES, EINVAL or ESRCH as Node does. */
export function setPriority(pid: number, priority: number): void {
  forEachThread(pid, (thread) => setPriorityOf(thread, priority));
}

/** Sets the processors that all threads of a process may run on. Throws `ERR_MILLRACE_BAD_PROCESSOR`. */
export function setAffinity(pid: number, processors: readonly number[]): void {
  const set = new Uint8Array(CPU_SET_BYTES);
  for (const processor of processors) {
    if (!Number.isInteger(processor) || processor < 0 || processor >= CPU_SET_BYTES * 8)
      throw badProcessor(processors);
    set[processor >> 3] = (set[processor >> 3] as number) | (1 << (processor & 7));
  }
  forEachThread(pid, (thread) => {
    const result = syscalls.setAffinity(thread, set);
    // None of them is there, or none is left to this process by its control group.
    if (result === -EINVAL) throw badProcessor(processors);
    check(result, 'sched_setaffinity', `process ${pid}`);
  });
}

/** The processors that the main thread of a process may run on; 0: this one. Throws `SystemCallError`. */
export function getAffinity(pid: number): number[] {
  const set = new Uint8Array(CPU_SET_BYTES);
  check(syscalls.getAffinity(pid, set), 'sched_getaffinity', `process ${pid}`);
  return Array.from({ length: CPU_SET_BYTES * 8 }, (_, i) => i).filter(
    (i) => (set[i >> 3] as number) & (1 << (i & 7)),
  );
}

function badProcessor(processors: readonly number[]): ProcessPoolError {
  return new ProcessPoolError(
    'ERR_MILLRACE_BAD_PROCESSOR',
    `A process cannot run on processors [${processors.join(', ')}]; this one may use ${getAffinity(0).join(', ')}.`,
  );
}
