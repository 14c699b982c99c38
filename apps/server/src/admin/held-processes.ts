import type { ProcessList } from './process-list.js';
import type { HeldLine, ProcessReport } from './schemas.js';

/** What is asked of the server goes by these. */
const ASKED: readonly ProcessReport['role'][] = ['master', 'manager'];

/** Finds processes that a request waits for while they do nothing, and tells of each once as long as that lasts. */
export class HeldProcesses {
  readonly #processes: ProcessList;
  readonly #roles: ReadonlySet<ProcessReport['role']>;
  readonly #told = new Map<string, string>();

  /** `roles`: those that the request is about. */
  constructor(processes: ProcessList, roles: readonly ProcessReport['role'][]) {
    this.#processes = processes;
    this.#roles = new Set([...ASKED, ...roles]);
  }

  /** Those that are not told yet. */
  look(): HeldLine[] {
    const held: HeldLine[] = [];
    for (const { role, name, pid, state } of this.#processes.all()) {
      if (!this.#roles.has(role)) continue;
      if (pid === null || (state !== 'stopped' && state !== 'hanging')) {
        this.#told.delete(name);
        continue;
      }
      const now = `${state} ${pid}`;
      if (this.#told.get(name) === now) continue;
      this.#told.set(name, now);
      held.push({ type: 'held', process: name, pid, state, advice: adviceFor(state, pid) });
    }
    return held;
  }
}

function adviceFor(state: HeldLine['state'], pid: number): string {
  return state === 'stopped'
    ? `A signal or a debugger has stopped it: kill -CONT ${pid} has it go on.`
    : 'Its loop has not turned for 2.5 s: a CPU profile of it tells where it is.';
}
