import type { AheadOrder } from '../wire/protocol.js';
import { ChildHandle, launchKey } from './child-handle.js';
import type { LaunchSpec } from './spec.js';

/** Milliseconds until a process that no member has taken is killed, whose module holds SIGTERM off. */
const DISMISSAL_MS = 2_000;

export interface AheadOptions extends AheadOrder {
  /** What each of them is to start itself. Default: nothing. */
  readonly below?: AheadOrder | undefined;
  /** Variables of the environment that may change before they are taken: the processes are told of that otherwise. Default: none. */
  readonly ignored?: readonly string[];
}

/**
 * Processes that are started before there is a pool whose members take them: they boot and load their module as far as `inherit()`
 * while what starts the pool does so itself.
 *
 * A process has the environment, the directory and the user that this one had when it was started. Where this one has changed any of them
 * since, none is taken, and a member starts its own as if there had been none.
 */
export class AheadProcesses {
  readonly #key: string;
  readonly #ignored: readonly string[];
  readonly #surroundings: string;
  readonly #waiting = new Set<ChildHandle>();
  readonly #dismissed = new Set<ChildHandle>();

  constructor(launch: LaunchSpec, { count, title, below, ignored = [] }: AheadOptions) {
    this.#ignored = ignored;
    this.#surroundings = surroundings(ignored);
    this.#key = launchKey(launch);
    for (let i = 0; i < count; i++) {
      const child = new ChildHandle(launch, title, true, below);
      // Whoever starts the pool keeps the loop alive.
      child.keepLoop(false);
      child.observe({
        message: () => {},
        // A member that finds none starts one, and tells what that fails at.
        ended: () => {
          this.#waiting.delete(child);
          this.#dismissed.delete(child);
        },
      });
      this.#waiting.add(child);
    }
  }

  /** One for `launch`; undefined where there is none, or none that is what a process would be that is started now. */
  take(launch: LaunchSpec): ChildHandle | undefined {
    const [child] = this.#waiting;
    const isAsBefore = child !== undefined && surroundings(this.#ignored) === this.#surroundings;
    if (!isAsBefore || launchKey(launch) !== this.#key) return undefined;
    this.#waiting.delete(child);
    return child;
  }

  /** Ends those that none has taken; resolves when they have ended. Idempotent. */
  async close(): Promise<void> {
    for (const child of this.#waiting) {
      this.#dismissed.add(child);
      child.keepLoop(true);
      child.dismiss();
      setTimeout(() => child.kill('SIGKILL'), DISMISSAL_MS).unref();
    }
    this.#waiting.clear();
    await Promise.all([...this.#dismissed].map(({ gone }) => gone));
  }
}

/** What a process is made of that this one can change. */
function surroundings(ignored: readonly string[]): string {
  const { env, execPath } = process;
  const variables = Object.entries(env).filter(([name]) => !ignored.includes(name));
  let directory: string;
  try {
    directory = process.cwd();
  } catch {
    // It has been removed: that is said by what starts a process there.
    directory = '';
  }
  return JSON.stringify([execPath, directory, process.geteuid?.(), process.getegid?.(), variables]);
}
