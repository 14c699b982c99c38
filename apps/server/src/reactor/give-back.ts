import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { syscalls } from '@millrace/native';

let collect: (() => void) | undefined;

/**
 * Gives memory back that buffers have taken which nobody uses any more. A reactor makes so little garbage that V8 sees no reason
 * to look for them, and the allocator keeps what is freed for those to come.
 */
export function giveBack(): void {
  collect ??= exposeCollector();
  collect();
  // V8 frees buffers in a thread of its own; the allocator looks once that is done.
  setTimeout(() => void syscalls.trim(), 100).unref();
  syscalls.trim();
}

/** V8's collector is a function of contexts that are made while the flag is set; no other context gets to see it. */
function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collector = runInNewContext('globalThis.gc') as (() => void) | undefined;
  setFlagsFromString('--no-expose-gc');
  return collector ?? (() => {});
}
