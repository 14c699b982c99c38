/** In their order: the master has made what all share, the manager has begun, the workers are up and clients are accepted. */
const STAGES = ['master', 'manager', 'workers'] as const;
export type Stage = (typeof STAGES)[number];

/** How long a server takes to start, from the beginning of its master's process. */
export class StartStages {
  readonly #reached = new Map<Stage, number>();

  /** Where it is reached again, by a later manager, that is no part of the start. */
  reach(stage: Stage): void {
    if (!this.#reached.has(stage)) this.#reached.set(stage, performance.now());
  }

  /** Milliseconds that each stage has taken, and when all else was up, task workers and user processes. */
  get figures(): Readonly<Record<Stage | 'accepting' | 'complete', number>> {
    const at = (stage: Stage) => this.#reached.get(stage) ?? 0;
    const round = Math.round;
    return {
      master: round(at('master')),
      manager: round(at('manager') - at('master')),
      workers: round(at('workers') - at('manager')),
      accepting: round(at('workers')),
      complete: round(performance.now()),
    };
  }

  get text(): string {
    const { master, manager, workers, accepting, complete } = this.figures;
    const stages = `master ${master}, manager ${manager}, workers ${workers}`;
    return `ready in ${accepting} ms (${stages}); everything is up after ${complete} ms`;
  }
}
