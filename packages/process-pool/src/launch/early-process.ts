import { ChildHandle, launchKey } from './child-handle.js';
import type { LaunchSpec } from './spec.js';

/**
 * A process that is started before there is a pool with a member for it: it boots and loads its module while this process still
 * makes what it is to hand down.
 */
export class EarlyProcess {
  readonly #launch: LaunchSpec;
  #child: ChildHandle | undefined;

  /** `title` is what `ps` shows of it until it is assigned. */
  constructor(launch: LaunchSpec, title: string) {
    this.#launch = launch;
    this.#child = new ChildHandle(launch, title);
    this.#child.keepLoop(false);
  }

  /** Gives it to a member that would start one alike; once. */
  take(launch: LaunchSpec): ChildHandle | undefined {
    const child = this.#child;
    if (child === undefined || child.ended || launchKey(launch) !== launchKey(this.#launch)) return undefined;
    this.#child = undefined;
    return child;
  }

  /** Ends the process where no member has taken it; resolves when it has ended. Idempotent. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.ended) return;
    child.keepLoop(true);
    child.kill('SIGKILL');
    await child.gone;
  }
}
