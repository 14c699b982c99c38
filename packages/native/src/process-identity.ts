import { syscalls } from './addon.js';
import { SIGKILL } from './constants.js';
import { check } from './errors.js';

/**
 * Ties this process to its parent: the kernel kills it when the parent's thread that made it is gone.
 *
 * Returns false when the parent had gone already, before the tie was made; the caller should then exit. The parent
 * is asked for after the signal is armed, so that no moment is left between the two.
 */
export function dieWithParent(parentPid: number): boolean {
  check(syscalls.setParentDeathSignal(SIGKILL), 'prctl');
  return syscalls.parentPid() === parentPid;
}
