import { type Child, startModule } from '../child.js';
import type { Command } from './disturbed.js';
import type { Disturbance } from './watched.js';

/** The client that watches what happens to its server (load/disturbed.ts), as a process that is told what to do. */
export class ClientProcess {
  readonly #child: Child;

  /** `deadline`: milliseconds after which it is killed, whatever it does. */
  constructor(port: number, connections: number, bytes: number, deadline?: number) {
    const work = { port, pid: 0, connections, bytes, framing: 'length', windowMs: 0 };
    this.#child = startModule(
      new URL('./disturbed.js', import.meta.url),
      [JSON.stringify(work)],
      deadline === undefined ? {} : { deadline },
    );
  }

  /** Resolves when all its connections are open. */
  async ready(): Promise<void> {
    await this.#child.next();
  }

  /** Counts anew from here; sends the signal first. */
  begin(what: { pid: number; signal: NodeJS.Signals } | null = null): void {
    this.#command({ begin: what });
  }

  /** What its connections have seen since `begin`. */
  report(): Promise<Disturbance> {
    this.#command({ report: true });
    return this.#child.next();
  }

  end(): Promise<void> {
    return this.#child.end();
  }

  #command(command: Command): void {
    this.#child.write(`${JSON.stringify(command)}\n`);
  }
}
