import { readFileSync } from 'node:fs';
import { CLOCK_TICKS_PER_SECOND, processStat } from '@millrace/native/internal';
import type { Member } from '../member/member.js';
import type { MemberState } from '../member/state.js';

export interface MemberStatus {
  readonly name: string;
  readonly state: MemberState;
  readonly pid: number | undefined;
  /** Of processes whose place has been taken, and which are on their way out. */
  readonly drainingPids: readonly number[];
  /** The process that waits for the end of the present one, where the member has a standby. */
  readonly standbyPid: number | undefined;
  /** Milliseconds since the present process was given the name. */
  readonly uptime: number | undefined;
  /** How many processes have had the name before. */
  readonly restarts: number;
  /** Resident memory in bytes; undefined without a process. */
  readonly memory: number | undefined;
  /** Milliseconds of processor time that the present process has taken, as a spare too. */
  readonly cpu: number | undefined;
  /** How often each end has come: by code (`'0'`) or signal (`'SIGKILL'`). */
  readonly exits: Readonly<Record<string, number>>;
}

export function memberStatus(member: Member): MemberStatus {
  const { name, state, pid, drainingPids, standbyPid, uptime, incarnation, exits } = member;
  return {
    name,
    state,
    pid,
    drainingPids,
    standbyPid,
    uptime,
    restarts: Math.max(0, incarnation - 1),
    memory: pid === undefined ? undefined : residentBytes(pid),
    cpu: pid === undefined ? undefined : processorTime(pid),
    exits: { ...exits },
  };
}

/** Resident memory of a process; undefined when it has ended, or is hidden. */
export function residentBytes(pid: number): number | undefined {
  const line = read(`/proc/${pid}/status`)?.match(/^VmRSS:\s+(\d+) kB$/m);
  return line ? Number(line[1]) * 1024 : undefined;
}

/** Milliseconds of processor time of a process, its ended threads included; undefined when it has ended, or is hidden. */
export function processorTime(pid: number): number | undefined {
  const stat = processStat(pid);
  return stat && (stat.processorTicks * 1_000) / CLOCK_TICKS_PER_SECOND;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // EPERM and EACCES: /proc hides the processes of other users (hidepid=1), as a pool that gave up its rights sees it.
    if (['ENOENT', 'ESRCH', 'EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
