import type { TransportChannel } from '@millrace/channel';
import { createPipe, openPipe } from '@millrace/pipe-ipc';
import type { ToChild, ToParent } from '../wire/protocol.js';
import { ChildProcessContext } from './child.js';

/**
 * A child whose parent is in the same process: what a child is told, it reads, and what it says nobody does, so that this code
 * has run before it is needed. It waits in `begun`, as the process of a standby does. Signals and the end of the parent are left
 * to the real one.
 */
export class RehearsedChild extends ChildProcessContext {
  readonly #control: TransportChannel<ToParent, ToChild>;
  readonly #parent: TransportChannel<ToChild, ToParent>;

  /** `descriptors` are borrowed. Throws `SystemCallError` where there are no more for its pipe. */
  static like(
    { name, incarnation }: ChildProcessContext,
    data: unknown,
    descriptors: ReadonlyMap<string, number>,
  ): RehearsedChild {
    const { left, right } = createPipe();
    const assignment = {
      name,
      title: process.title,
      incarnation,
      descriptors: [],
      maxJobs: undefined,
      standby: true,
      endsByItself: true,
      queue: undefined,
      data,
    };
    return new RehearsedChild({ assignment, descriptors }, openPipe(left), openPipe(right));
  }

  private constructor(
    received: ConstructorParameters<typeof ChildProcessContext>[0],
    control: TransportChannel<ToParent, ToChild>,
    parent: TransportChannel<ToChild, ToParent>,
  ) {
    super(received, control);
    this.#control = control;
    this.#parent = parent;
  }

  /** Has it begin, and tells it what follows, as its parent would. */
  tell(...bodies: readonly unknown[]): void {
    this.#parent.send({ type: 'begin', title: process.title });
    for (const body of bodies) this.#parent.send({ type: 'message', body });
    this.#parent.flush();
  }

  override onStop(): void {}

  /** Closes its pipe; idempotent. What is sent afterwards goes nowhere. */
  close(): void {
    this.#control.destroy();
    this.#parent.destroy();
  }

  protected override parentGone(): void {}
}
