import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { syscalls } from '@millrace/native/syscalls';
import type { Reactor } from '@millrace/reactor';

/** Bytes of a heap that takes some milliseconds to collect; in base mode the user's own values are in there, and may be many. */
const SMALL_HEAP = 64 << 20;
/** Milliseconds in which V8 frees what it has collected, in a thread of its own. */
const FREEING_MS = 100;

let collect: (() => void) | undefined;

/**
 * Gives back the memory of buffers that are not used any more. A reactor makes so little garbage that V8 sees no reason
 * to look for them, and the allocator keeps what is freed for those to come.
 */
export function giveBack({ timers }: Reactor): void {
  if (getHeapStatistics().used_heap_size < SMALL_HEAP) {
    collect ??= exposeCollector();
    collect();
  }
  timers.after(FREEING_MS, () => void syscalls.trim());
}

/** V8's collector is a function of contexts that are made while the flag is set; no other context gets to see it. */
function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collector = runInNewContext('globalThis.gc') as (() => void) | undefined;
  setFlagsFromString('--no-expose-gc');
  return collector ?? (() => {});
}
