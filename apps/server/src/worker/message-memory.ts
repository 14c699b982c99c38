import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { copyBytes, WordCopier } from '@millrace/channel';

/** Bytes up to which messages are cut from slabs, next to each other. */
const SMALL = 192;
/** Bytes of a slab: twice what Node cuts its own buffers from. A message that is kept keeps its slab. */
const SLAB_BYTES = 16 * 1024;
/** Bytes from which a message has memory of its own, which counts for V8: what Node cuts from its pool is smaller. */
const LARGE = 8 * 1024;
/** Bytes of large messages after which the short-lived ones are given back: half of what V8 surely lets pass. */
const COLLECT_AFTER = 4 << 20;

type CollectMinor = (options: { type: 'minor' }) => void;

let collectMinor: CollectMinor | undefined;
let bytesSince = 0;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabBytes = slab.buffer as ArrayBuffer;
let slabCopier = new WordCopier(slab);
let slabUsed = 0;

/**
 * A copy of `memory[start, end)` that a handler may keep.
 *
 * V8 knows of 64 KiB buffers only as memory outside of its heap that grows; when that has grown by what the heap itself
 * may, 8 MiB for a small one, it marks the whole heap, in this thread and in its helpers, to find them. Nearly all were
 * dropped when their handlers returned, and are in the young generation still, which takes half a millisecond to collect;
 * so this asks for that before V8 asks for the other. Half of it is left for those that are being given back meanwhile.
 * (docs/decisions: "Large messages are collected young".)
 */
export function copyOf(memory: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length <= SMALL) return cutFromSlab(memory, start, end);
  if (length >= LARGE) collectAfter(length);
  const copy = Buffer.allocUnsafe(length);
  copyBytes(memory, start, end, copy, 0);
  return copy;
}

function cutFromSlab(memory: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (slabUsed + length > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabBytes = slab.buffer as ArrayBuffer;
    slabCopier = new WordCopier(slab);
    slabUsed = 0;
  }
  const at = slabUsed;
  // As Node's own, each begins at a multiple of 8: so typed arrays can be made of it.
  slabUsed = (at + length + 7) & ~7;
  slabCopier.copy(memory, start, end, at);
  return Buffer.from(slabBytes, at, length);
}

function collectAfter(length: number): void {
  bytesSince += length;
  if (bytesSince < COLLECT_AFTER) return;
  bytesSince = 0;
  collectMinor ??= exposeCollector();
  collectMinor({ type: 'minor' });
}

/** V8's collector is a function of contexts that are made while the flag is set; no other context gets to see it. */
function exposeCollector(): CollectMinor {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as CollectMinor;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
