import { ChildHandle } from './child-handle.js';
import type { LaunchSpec } from './spec.js';

/** The processes of a pool that are assigned to members; spares are not among them. */
export class Processes {
  readonly #all = new Set<ChildHandle>();
  #keepsLoop = true;

  /** Whether these processes, and later ones, keep the loop of this process alive. */
  get keepsLoop(): boolean {
    return this.#keepsLoop;
  }

  keepLoop(on: boolean): void {
    this.#keepsLoop = on;
    for (const process of this.#all) process.keepLoop(on);
  }

  /** Takes `spare`, or starts a process. */
  launch(spec: LaunchSpec, title: string, spare: ChildHandle | undefined): ChildHandle {
    const process = spare ?? new ChildHandle(spec, title, true);
    process.keepLoop(this.#keepsLoop);
    this.#all.add(process);
    void process.gone.then(() => this.#all.delete(process));
    return process;
  }

  kill(): void {
    for (const process of this.#all) process.kill('SIGKILL');
  }

  /** Resolves when the present ones have ended. */
  async gone(): Promise<void> {
    await Promise.all([...this.#all].map(({ gone }) => gone));
  }
}
