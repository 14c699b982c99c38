import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { giveFreedMemoryBack, keepFreedMemory } from './freed-memory.js';

/** Bytes that a heap smaller than that may grow by before V8 marks it. */
const ROOM = 64 << 20;
/** Milliseconds without a renewal after which V8 decides by itself again. */
const IDLE_MS = 1_000;
/** For V8: by its own measure. */
const BY_ITSELF = 0;

const setByUser = process.execArgv.some((argument) => /heap.growing.percent/.test(argument));

let percent = BY_ITSELF;
let renewed = false;
let idle: NodeJS.Timeout | undefined;

/**
 * Gives a small heap room to grow before V8 marks all of it, and has freed memory kept, for a second from now. By its own measure V8 lets a small heap
 * grow by 8 MiB, and counts memory outside of the heap that is not young any more: as much as 128 messages of 64 KiB.
 *
 * Notes. V8 reads the flag when it has marked, for the time until the next marking. It is one for all threads of the process, and
 * a share of what a heap has; so it is set for heaps that are small now and not for longer than messages come.
 */
export function renewHeapRoom(): void {
  const { used_heap_size: used } = getHeapStatistics();
  setGrowth(used < ROOM ? 100 * Math.ceil(ROOM / used) : BY_ITSELF);
  keepFreedMemory();
  renewed = true;
  idle ??= setInterval(leaveToItselfWhenIdle, IDLE_MS).unref();
}

function leaveToItselfWhenIdle(): void {
  if (renewed) {
    renewed = false;
    return;
  }
  clearInterval(idle);
  idle = undefined;
  setGrowth(BY_ITSELF);
  giveFreedMemoryBack();
}

function setGrowth(next: number): void {
  if (setByUser || next === percent) return;
  percent = next;
  setFlagsFromString(`--heap-growing-percent=${next}`);
}
