import { setImmediate } from 'node:timers/promises';
import { check, ECHILD, syscalls } from '@millrace/native/syscalls';

/** Milliseconds that an ended child must have been left lying before it counts as abandoned. */
const ABANDONED_AFTER_MS = 100;

/**
 * Makes this process the parent of all descendants whose own parents end, and reaps those that end, so that none
 * stays a zombie. `onReaped` hears their pids. The returned object ends both.
 *
 * Implementation notes. Node reaps the children that it has started when SIGCHLD arrives, in the same turn of the
 * loop. An ended child that still lies there turns later is not one of them; taking one of them would lose its end.
 */
export function reapOrphans(onReaped: (pid: number) => void = () => {}): Disposable {
  check(syscalls.setChildSubreaper(1), 'prctl');
  let timer: NodeJS.Timeout | undefined;
  let seen = 0;
  let seenAt = 0;
  let over = false;
  /** The first child that has ended and was not waited for; 0: none. */
  const ended = () => {
    const pid = syscalls.waitChild(0, 1);
    return pid === -ECHILD ? 0 : check(pid, 'waitid');
  };
  const look = async () => {
    timer = undefined;
    // After the part of the turn in which Node reaps.
    await setImmediate();
    if (over) return;
    let pid = ended();
    const now = performance.now();
    if (pid !== 0 && pid === seen && now - seenAt >= ABANDONED_AFTER_MS) {
      check(syscalls.waitChild(pid, 0), 'waitid');
      onReaped(pid);
      pid = ended();
    }
    if (pid !== seen) seenAt = now;
    seen = pid;
    if (pid !== 0) timer ??= setTimeout(look, ABANDONED_AFTER_MS).unref();
  };
  const onChild = () => {
    timer ??= setTimeout(look, 0).unref();
  };
  process.on('SIGCHLD', onChild);
  onChild();
  return {
    [Symbol.dispose]() {
      if (over) return;
      over = true;
      clearTimeout(timer);
      process.removeListener('SIGCHLD', onChild);
      check(syscalls.setChildSubreaper(0), 'prctl');
    },
  };
}
