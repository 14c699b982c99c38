import { readFileSync, readlinkSync } from 'node:fs';

/** What tells one thread from every other that this machine has had or will have since it was started. */
export interface ThreadIdentity {
  readonly pid: number;
  /** The kernel's thread id; that of a main thread is its pid. */
  readonly tid: number;
  /** Clock ticks from the start of the machine to that of the thread. */
  readonly start: number;
}

/** Who this thread is, and whether others live: a seam, so that tests can play several threads, dead ones too. */
export interface Threads {
  readonly self: () => ThreadIdentity;
  /** False once the thread has ended, be it as a zombie that nobody has waited for. */
  readonly isAlive: (thread: ThreadIdentity) => boolean;
  /** Whether any thread has this id now. */
  readonly exists: (tid: number) => boolean;
}

/** Fields of /proc/…/stat after the command's name, which is in parentheses and may hold anything. */
const STATE_FIELD = 0;
const START_FIELD = 19;

/** The state and the start of a thread, or undefined when /proc shows no such thread. */
function readStat(path: string): { readonly state: string; readonly start: number } | undefined {
  try {
    const stat = readFileSync(path, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[STATE_FIELD] as string, start: Number(fields[START_FIELD]) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Whether the process is there, as far as the kernel says without /proc: that may be mounted to hide other users'. */
function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return false;
    if (code === 'EPERM') return true;
    throw error;
  }
}

function ended(state: string): boolean {
  return state === 'Z' || state === 'X';
}

let self: ThreadIdentity | undefined;

/** The threads of this machine, as /proc shows them. One file is read for each question but that after oneself. */
export const procThreads: Threads = {
  self() {
    if (self === undefined) {
      // "PID/task/TID", of the thread that asks.
      const [pid, , tid] = readlinkSync('/proc/thread-self').split('/').map(Number) as [
        number,
        number,
        number,
      ];
      const stat = readStat('/proc/thread-self/stat');
      if (stat === undefined)
        throw new Error('/proc is not mounted; the owner of a lock cannot be told without it.');
      self = { pid, tid, start: stat.start };
    }
    return self;
  },

  isAlive({ pid, tid, start }) {
    const stat = readStat(`/proc/${pid}/task/${tid}/stat`);
    if (stat !== undefined) return stat.start === start && !ended(stat.state);
    // Not shown: it has ended, or it is another user's and /proc hides those (hidepid). Only who is certainly gone is
    // dead: a hidden process counts as alive while its pid is somebody's.
    return readStat(`/proc/${pid}/stat`) === undefined && processExists(pid);
  },

  exists(tid) {
    const stat = readStat(`/proc/${tid}/stat`);
    return stat === undefined ? processExists(tid) : !ended(stat.state);
  },
};
