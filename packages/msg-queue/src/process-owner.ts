import { readFileSync } from 'node:fs';

/** A process that cannot be taken for a later one with the same id: its id, and when it started, in clock ticks. */
export interface ProcessOwner {
  readonly pid: number;
  readonly startTime: string;
}

/** Fields of /proc/<pid>/stat after the command's closing parenthesis. */
const STATE_FIELD = 0;
const START_TIME_FIELD = 19;

let self: ProcessOwner | undefined;

export function thisProcess(): ProcessOwner {
  if (self?.pid !== process.pid)
    self = { pid: process.pid, startTime: statFields('self')?.[START_TIME_FIELD] ?? '0' };
  return self;
}

/** Whether the process is there and is no zombie. True when it cannot be known, which costs the caller least. */
export function isAlive({ pid, startTime }: ProcessOwner): boolean {
  let fields: string[] | undefined;
  try {
    fields = statFields(pid);
  } catch {
    return true;
  }
  if (fields === undefined) return false;
  return fields[START_TIME_FIELD] === startTime && fields[STATE_FIELD] !== 'Z' && fields[STATE_FIELD] !== 'X';
}

function statFields(pid: number | 'self'): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
