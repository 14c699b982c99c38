import { readFileSync } from 'node:fs';
import type { Member, ProcessPool } from '@millrace/process-pool';
import { HANDLER_NAMED_AGAIN_MS, HANDLER_NAMED_MS, HEARTBEAT_MS } from '../constants.js';
import type { RoleAssignment } from '../contract/role.js';
import type { RoleContext } from '../process/role-context.js';
import type { Counters } from '../shared/counters.js';
import { BEAT, BEAT_PID, DEBUGGED } from '../shared/counters-layout.js';

export interface HangWatchParts {
  readonly context: RoleContext;
  readonly pool: ProcessPool;
  readonly counters: Counters;
  /** Where it counts its turns: its flat id, or the manager's peer. */
  readonly idOf: (member: Member) => number;
}

/** The loop of one process, as it was seen last. */
interface Seen {
  readonly pid: number;
  readonly beat: number;
  /** When it had last turned, or could not be expected to. */
  turnedAt: number;
  namedAt: number | undefined;
  isStopped: boolean;
}

/**
 * Sees processes that have come to a stand, by the counters that their loops keep (heartbeat.ts): a worker whose
 * handler loops for ever, or waits without giving the loop back, serves no client, and no error tells. It is named in the
 * log, and killed where an option says so. Also names processes whose entry module has not come to `start`. The manager
 * watches the processes below it, and the master the manager: without its loop no dead worker would be replaced.
 *
 * Not taken for that: a process at a breakpoint, one that a signal has stopped, and whatever happened while this process
 * did not run itself, for then the whole machine, container or process group was frozen.
 */
export class HangWatch {
  readonly #parts: HangWatchParts;
  readonly #seen = new Map<Member, Seen>();
  /** Pids of processes that have come to `start`. */
  readonly #started = new Set<number>();
  /** By pid, when a process that has not was named last. */
  readonly #named = new Map<number, number>();
  /** Pids of processes that were killed for it, until they have ended. */
  readonly #killed = new Set<number>();
  #lookedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: HangWatchParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#look(), HEARTBEAT_MS).unref();
  }

  /** `member` says that its process `pid` has come to `start`; of a process that it does not have it may say what it likes. */
  started(member: Member, pid: number): void {
    if (member.starting.some((run) => run.pid === pid)) this.#started.add(pid);
  }

  /** Whether that process was killed for a loop that did not turn. */
  hasKilled(pid: number): boolean {
    return this.#killed.has(pid);
  }

  ended(pid: number): void {
    this.#killed.delete(pid);
    this.#started.delete(pid);
    this.#named.delete(pid);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const wasFrozen = now - this.#lookedAt > HEARTBEAT_MS * 2;
    this.#lookedAt = now;
    if (wasFrozen) for (const seen of this.#seen.values()) seen.turnedAt = now;
    for (const member of this.#parts.pool.members) {
      for (const { pid, uptime } of member.starting) this.#lookAtStart(member, pid, uptime, now);
      this.#lookAtLoop(member, now);
    }
  }

  #lookAtStart(member: Member, pid: number, uptime: number, now: number): void {
    if (this.#started.has(pid) || uptime < HANDLER_NAMED_MS) return;
    const namedAt = this.#named.get(pid);
    if (namedAt !== undefined && now - namedAt < HANDLER_NAMED_AGAIN_MS) return;
    this.#named.set(pid, now);
    this.#parts.context.log.warn(
      { processPid: pid },
      `${nameOf(member)} has run for ${seconds(uptime)} and has not begun: modules are still being loaded, or what the entry module does before server.start() does not end`,
    );
  }

  #lookAtLoop(member: Member, now: number): void {
    const { counters, idOf } = this.#parts;
    const words = counters.process(idOf(member));
    const { pid } = member;
    // Not begun, or another process of the name has the place still: that one has a deadline of its own.
    if (pid === undefined || words[BEAT_PID] !== pid) return void this.#seen.delete(member);
    const beat = words[BEAT] as number;
    const seen = this.#seen.get(member);
    if (seen === undefined || seen.pid !== pid || seen.beat !== beat)
      return void this.#seen.set(member, { pid, beat, turnedAt: now, namedAt: undefined, isStopped: false });
    if (words[DEBUGGED] === 1) seen.turnedAt = now;
    if (now - seen.turnedAt < HEARTBEAT_MS * 2) return;
    if (isStopped(pid)) this.#stopped(member, seen, now);
    else this.#hangs(member, seen, now);
  }

  #stopped(member: Member, seen: Seen, now: number): void {
    if (!seen.isStopped)
      this.#parts.context.log.warn(
        { processPid: seen.pid },
        `${nameOf(member)} is stopped, by a signal or a debugger`,
      );
    seen.isStopped = true;
    seen.turnedAt = now;
  }

  #hangs(member: Member, seen: Seen, now: number): void {
    const { log, options } = this.#parts.context;
    const { pid } = seen;
    const silent = now - seen.turnedAt;
    const option =
      (member.spec.data as RoleAssignment).role === 'taskWorker' ? 'taskHangTimeout' : 'hangTimeout';
    const limit = options[option];
    if (limit > 0 && silent >= limit) {
      log.error(
        { processPid: pid },
        `the loop of ${nameOf(member)} has not turned for ${seconds(silent)} (${option}): it is killed`,
      );
      this.#seen.delete(member);
      this.#killed.add(pid);
      return member.kill('SIGKILL');
    }
    if (silent < HANDLER_NAMED_MS) return;
    if (seen.namedAt !== undefined && now - seen.namedAt < HANDLER_NAMED_AGAIN_MS) return;
    seen.namedAt = now;
    const what = limit > 0 ? `it is killed at ${option}, ${limit} ms` : `set ${option} to have it killed`;
    log.warn(
      { processPid: pid },
      `the loop of ${nameOf(member)} has not turned for ${seconds(silent)}: a handler computes or waits without giving it back; ${what}`,
    );
  }
}

const nameOf = ({ name }: Member) => (name === 'manager' ? 'the manager' : name);
const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`;

/** Whether a signal or a debugger has stopped that process, as the kernel says. */
function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // What follows the name, which may hold anything.
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw error;
  }
}
