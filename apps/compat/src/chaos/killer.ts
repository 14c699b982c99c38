import { setTimeout as sleep } from 'node:timers/promises';

export interface KillerOptions {
  /** Which processes may be killed now. One of them is, in turn. */
  readonly pids: () => readonly number[];
  readonly everyMs: number;
  readonly times: number;
  readonly signal: AbortSignal;
  /** Called before a process is killed. */
  readonly onKill?: (pid: number) => void;
}

/** Kills one process after another by SIGKILL, and returns how many it found alive. */
export async function killInTurn({ pids, everyMs, times, signal, onKill }: KillerOptions): Promise<number> {
  let killed = 0;
  for (let at = 0; killed < times && !signal.aborted; at++) {
    // The pace of the kills is what the run is about, and waits for nothing.
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    const victims = pids();
    const victim = victims[at % victims.length];
    if (victim === undefined) continue;
    onKill?.(victim);
    if (kill(victim)) killed++;
  }
  return killed;
}

/** `false`: it was dead already. */
export function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
