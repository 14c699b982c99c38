import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** A line of /proc/…/stat, as far as it says who runs there. */
export interface ProcessStat {
  /** One letter: `'Z'` and `'X'` are processes that have ended. */
  readonly state: string;
  /** The pid of the process that it is a child of. */
  readonly parent: number;
  /** Whether it has begun to end (PF_EXITING): a thread in that state runs nothing of its program any more. */
  readonly isExiting: boolean;
  /** Clock ticks, {@link CLOCK_TICKS_PER_SECOND} a second, from the start of the machine. */
  readonly start: number;
  /** Clock ticks of processor time, in user mode and in the kernel. */
  readonly processorTicks: number;
  /** Pages of memory that it has resident. */
  readonly residentPages: number;
}

/** USER_HZ, the unit in which /proc tells times: 100 on every Linux that Node runs on. */
export const CLOCK_TICKS_PER_SECOND = 100;

/** Fields of /proc/…/stat after the name of the command, which stands in parentheses and may hold anything. */
const STATE_FIELD = 0;
const PARENT_FIELD = 1;
const FLAGS_FIELD = 6;
const USER_TICKS_FIELD = 11;
const SYSTEM_TICKS_FIELD = 12;
const START_FIELD = 19;
const RESIDENT_FIELD = 21;

/** PF_EXITING of the kernel's include/linux/sched.h. */
const EXITING = 4;

const SPACE = 0x20;
const CLOSING_PARENTHESIS = 0x29;
const ZERO = 0x30;

/** Longer than a line can be: 52 numbers of at most 20 digits, and a name of 64 bytes. */
const MOST_BYTES = 2_048;

/** What /proc says of a process, or a thread; undefined when it is not there, or may not be seen. */
export function processStat(pid: number): ProcessStat | undefined {
  return readStat(`/proc/${pid}/stat`);
}

export function readStat(path: string): ProcessStat | undefined {
  return unlessGone(() => {
    const bytes = readFileSync(path);
    return parseStat(bytes, bytes.length);
  });
}

/**
 * /proc/PID/stat of a process that is looked at again and again, kept open: a look is one system call and not five, and is of the process
 * that had the pid when the file was opened, whichever has it by now.
 */
export class ProcessStatFile {
  readonly #bytes = Buffer.allocUnsafe(MOST_BYTES);
  #fd: number | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Undefined when there is no such process, or it may not be seen. */
  static open(pid: number): ProcessStatFile | undefined {
    return unlessGone(() => new ProcessStatFile(openSync(`/proc/${pid}/stat`, 'r')));
  }

  /** Undefined when the process has ended, or the file was closed. */
  read(): ProcessStat | undefined {
    const fd = this.#fd;
    if (fd === undefined) return undefined;
    return unlessGone(() => parseStat(this.#bytes, readSync(fd, this.#bytes, 0, MOST_BYTES, 0)));
  }

  /** Idempotent. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function parseStat(bytes: Uint8Array, length: number): ProcessStat {
  // Behind the name, which may hold parentheses as well, and a space.
  const from = bytes.lastIndexOf(CLOSING_PARENTHESIS, length - 1) + 2;
  const numbers = new Float64Array(RESIDENT_FIELD + 1);
  let field = 0;
  for (let at = from; at < length && field <= RESIDENT_FIELD; at++) {
    const byte = bytes[at] as number;
    if (byte === SPACE) field++;
    // Of the fields that are read only the state is no number without a sign.
    else numbers[field] = (numbers[field] as number) * 10 + byte - ZERO;
  }
  const of = (field: number) => numbers[field] as number;
  return {
    state: String.fromCharCode(of(STATE_FIELD) + ZERO),
    parent: of(PARENT_FIELD),
    isExiting: (of(FLAGS_FIELD) & EXITING) !== 0,
    start: of(START_FIELD),
    processorTicks: of(USER_TICKS_FIELD) + of(SYSTEM_TICKS_FIELD),
    residentPages: of(RESIDENT_FIELD),
  };
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    // EPERM and EACCES: mounted with hidepid=1. With hidepid=2 a hidden process looks like one that has ended.
    if (['ENOENT', 'ESRCH', 'EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
