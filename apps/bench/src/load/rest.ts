import { setTimeout as sleep } from 'node:timers/promises';
import { processTree, treeTime } from './processor-time.js';

const LOOK_MS = 100;
/** Checks in a row at which nothing of it has run. */
const QUIET = 3;
/** A bound: one that never rests is loaded as it is. */
const DEADLINE_MS = 10_000;

/** Waits until `root` and its descendants use no processor time: until its spare processes have started, too. */
export async function rest(root: number): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  let before = treeTime(root);
  for (let quiet = 0; quiet < QUIET && performance.now() < end; ) {
    await sleep(LOOK_MS);
    const now = treeTime(root);
    quiet = now === before ? quiet + 1 : 0;
    before = now;
  }
}

/**
 * Waits until the tree of `root` has as many processes as it should and those that are not `busy` use no processor time:
 * the spare process that takes the place of the one that was used is ready.
 */
export async function whole(root: number, count: number, busy: ReadonlySet<number>): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  let before = -1;
  for (let quiet = 0; quiet < QUIET && performance.now() < end; ) {
    await sleep(LOOK_MS);
    const tree = processTree(root);
    const now = tree.reduce((sum, { pid, seconds }) => sum + (busy.has(pid) ? 0 : seconds), 0);
    quiet = tree.length >= count && now === before ? quiet + 1 : 0;
    before = now;
  }
}
