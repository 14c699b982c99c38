import type { ChildProcessContext } from '@millrace/process-pool';
import { entryModule } from '@millrace/process-pool/internal';
import type { FromManager, FromWorker } from '../contract/control-messages.js';
import type { RoleAssignment } from '../contract/role.js';
import {
  captureUncaught,
  type FailedStart,
  failedStartOf,
  startFailureOf,
} from '../contract/start-failure.js';
import { ServerError } from '../errors.js';

/** The starts of servers in this program, one after the other: each process runs the same lines, and takes part in one of them. */
export class ServerStarts {
  readonly #child: ChildProcessContext | undefined;
  readonly #assignment: RoleAssignment;
  /** What the processes of the servers run that this process has been started for, or has started. */
  readonly #entries = new Set<string>();
  /**
   * The starts of this program that have failed, in their order. A process below the master comes to the same lines first, and
   * fails at them alike, so that it takes its role in the server that did start.
   */
  readonly #failed: FailedStart[] = [];
  /** Whether this process is one of those without which the server has not come up. */
  readonly #isOfFirstStart: boolean;
  readonly #endCapture: () => void;

  /** `child`: undefined in the master. */
  constructor(child: ChildProcessContext | undefined, assignment: RoleAssignment) {
    this.#child = child;
    this.#assignment = assignment;
    this.#isOfFirstStart =
      child?.incarnation === 1 &&
      !assignment.added &&
      (assignment.role === 'manager' || assignment.managerIncarnation === 1);
    this.#endCapture = this.#isOfFirstStart ? captureUncaught((error) => this.#tell(error)) : () => {};
  }

  /** Whether a server has been started. */
  get hasServer(): boolean {
    return this.#entries.size > 0;
  }

  /** Those of the master that failed before its server did start. */
  get failed(): readonly FailedStart[] {
    return this.#assignment.failedStarts ?? [...this.#failed];
  }

  /**
   * Throws `ERR_MILLRACE_SECOND_SERVER`. Each process of a server runs its entry module from the beginning and takes its role in
   * the first `start` that it comes to: it would serve the second server's clients with the first one's handlers.
   */
  assertOnlyServer(entry: string): void {
    if (!this.#entries.has(entry)) return;
    throw new ServerError(
      'ERR_MILLRACE_SECOND_SERVER',
      `A server has been started already whose processes run ${entry}, and a module can have one: they would take the roles of the first. ` +
        'For one more port call addListener before start, which returns a port with handlers of its own; ' +
        'for another server with processes of its own write another program, and start that.',
    );
  }

  /** Runs the start of a server whose processes run `entry`; fails like the master where that has failed here. */
  async run(entry: string, start: () => Promise<void>): Promise<void> {
    const failed = this.#assignment.failedStarts?.[this.#failed.length];
    if (failed) {
      this.#failed.push(failed);
      throw new ServerError(failed.code, failed.message);
    }
    this.#entries.add(entry);
    try {
      await start();
    } catch (error) {
      // Nothing of it is left, so it is not the one server of the program. Who runs the same lines is to fail there, too.
      if (this.#child === undefined) {
        this.#entries.delete(entry);
        if (entry === entryModule()) this.#failed.push(failedStartOf(error));
      }
      throw error;
    }
  }

  /** This process has taken its role: what it fails at from here on is not its start. */
  succeeded(): void {
    this.#endCapture();
  }

  /** This process has not taken its role. One of the first ends here, when it has told the master why. */
  fail(error: unknown): void {
    if (!this.#isOfFirstStart) return;
    this.#tell(error);
    process.exit(1);
  }

  /** Of the first processes the master tells what they fail at, once and last; and there are more that fail at the same. */
  #tell(error: unknown): void {
    if (this.#child === undefined) return;
    const failure = startFailureOf(this.#child.name, error);
    this.#child.send({ type: 'startFailed', failure } satisfies FromWorker & FromManager);
  }
}
