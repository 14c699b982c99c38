import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes from which a message has memory of its own, which counts for V8: what Node cuts from its pool is smaller. */
const LARGE = 8 * 1024;
/** Bytes of large messages after which the short-lived ones are given back: half of what V8 lets pass. */
const COLLECT_AFTER = 16 << 20;

type CollectMinor = (options: { type: 'minor' }) => void;

let collectMinor: CollectMinor | undefined;
let bytesSince = 0;

/**
 * A copy of `memory[start, end)` that a handler may keep.
 *
 * V8 knows of 64 KiB buffers only as memory outside of its heap that grows; after 32 MiB of them it marks the whole
 * heap, in this thread and in its helpers, to find them. Nearly all were dropped when their handlers returned, and are
 * in the young generation still, which takes a millisecond to collect; so this asks for that before V8 asks for the
 * other. (docs/decisions: "Large messages are collected young".)
 */
export function copyOf(memory: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length >= LARGE) {
    bytesSince += length;
    if (bytesSince >= COLLECT_AFTER) {
      bytesSince = 0;
      collectMinor ??= exposeCollector();
      collectMinor({ type: 'minor' });
    }
  }
  const copy = Buffer.allocUnsafe(length);
  memory.copy(copy, 0, start, end);
  return copy;
}

/** V8's collector is a function of contexts that are made while the flag is set; no other context gets to see it. */
function exposeCollector(): CollectMinor {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as CollectMinor;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
