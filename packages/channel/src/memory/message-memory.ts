import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Allocator, useAllocator } from './freed-memory.js';
import { renewHeapRoom } from './heap-room.js';
import { Slabs } from './slab.js';

/** Bytes from which a message has memory of its own, which counts for V8: what Node cuts from its pool is smaller. */
const LARGE = 8 * 1024;
/**
 * Bytes of large messages after which the short-lived ones are given back. V8 surely lets 8 MiB pass, and some are still
 * being given back meanwhile. What is in use at two collections is not young any more, and only marking gives it back:
 * 50 messages of 64 KiB that wait for their tasks see twice their own bytes go by until their answers are there,
 * 6.25 MiB, so fewer of them see two than with 4. How many differs from run to run.
 */
const COLLECT_AFTER = 6 << 20;
/** The same where the heap has room to grow: what waits for its task seldom sees two collections then. */
const COLLECT_AFTER_WITH_ROOM = 12 << 20;

type CollectMinor = (options: { type: 'minor' }) => void;

let collectMinor: CollectMinor | undefined;
let bytesSince = 0;
let hasRoom = false;

const slabs = new Slabs();

/**
 * A copy of `memory[start, end)` that a handler may keep.
 *
 * V8 knows of 64 KiB buffers only as memory outside of its heap that grows; when that has grown by what the heap itself
 * may, 8 MiB for a small one, it marks the whole heap, in this thread and in its helpers, to find them. Nearly all were
 * dropped when their handlers returned, and are in the young generation still, which takes half a millisecond to collect;
 * so this asks for that before V8 asks for the other. (docs/decisions: "Large messages are collected young", "Waiting
 * messages stay young more often".)
 */
export function copyOf(memory: Buffer, start: number, end: number): Buffer {
  if (end - start >= LARGE) collectAfter(end - start);
  return slabs.copy(memory, start, end);
}

/** `memory[start, end)` without a copy, where a handler may keep that memory itself; it is given back as copies are. */
export function takeOver(memory: Buffer, start: number, end: number): Buffer {
  if (end - start >= LARGE) collectAfter(end - start);
  return start === 0 && end === memory.length ? memory : memory.subarray(start, end);
}

/**
 * Lets the heap of this process grow by up to 64 MiB before V8 marks it, and `allocator` keep what is freed, while large
 * messages come. For processes whose work is messages: it is the V8 and the allocator of the whole process.
 */
export function giveMessagesRoom(allocator?: Allocator): void {
  hasRoom = true;
  useAllocator(allocator);
}

/** Collects what is young now, in a process that has time: what comes next finds room. */
export function collectYoung(): void {
  collectMinor ??= exposeCollector();
  collectMinor({ type: 'minor' });
}

function collectAfter(length: number): void {
  bytesSince += length;
  if (bytesSince < (hasRoom ? COLLECT_AFTER_WITH_ROOM : COLLECT_AFTER)) return;
  bytesSince = 0;
  collectMinor ??= exposeCollector();
  collectMinor({ type: 'minor' });
  if (hasRoom) renewHeapRoom();
}

/** V8's collector is a function of contexts that are made while the flag is set; no other context gets to see it. */
function exposeCollector(): CollectMinor {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as CollectMinor | undefined;
  setFlagsFromString('--no-expose-gc');
  // Without it messages are received all the same, and V8 collects when it has to.
  return collect ?? (() => {});
}
