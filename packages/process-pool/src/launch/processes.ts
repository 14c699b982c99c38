import { Incarnation } from './incarnation.js';
import type { LaunchSpec } from './spec.js';

/** The processes of a pool that are somebody, or are about to be; spares are not among them. */
export class Processes {
  readonly #all = new Set<Incarnation>();
  #keepsLoop = true;

  /** Whether they, and those that come, keep the loop of this process alive. */
  get keepsLoop(): boolean {
    return this.#keepsLoop;
  }

  keepLoop(on: boolean): void {
    this.#keepsLoop = on;
    for (const process of this.#all) process.keepLoop(on);
  }

  /** Takes `spare`, or starts one. */
  launch(spec: LaunchSpec, title: string, spare: Incarnation | undefined): Incarnation {
    const process = spare ?? new Incarnation(spec, title);
    process.keepLoop(this.#keepsLoop);
    this.#all.add(process);
    void process.gone.then(() => this.#all.delete(process));
    return process;
  }

  kill(): void {
    for (const process of this.#all) process.kill('SIGKILL');
  }

  /** Resolves when those that there are have ended. */
  async gone(): Promise<void> {
    await Promise.all([...this.#all].map(({ gone }) => gone));
  }
}
