import { fileURLToPath } from 'node:url';
import { descendants, Program } from '@millrace/testkit';
import type { EngineServer } from './engines.js';
import type { Network } from './network.js';

const MODULE = fileURLToPath(new URL('./tasks.js', import.meta.url));
const BIN = fileURLToPath(
  import.meta.resolve('@millrace/task-broker').replace('/dist/index.js', '/bin/millrace-tasks.js'),
);

/** The program `millrace-tasks` on a machine of the network. */
export class Host {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start(
    network: Network,
    name: string,
    engine: EngineServer,
    {
      size,
      concurrency = 1,
      notes,
    }: { readonly size: number; readonly concurrency?: number; readonly notes: string },
  ): Promise<Host> {
    const args = [
      MODULE,
      '--queue',
      engine.queue,
      '--size',
      String(size),
      '--concurrency',
      String(concurrency),
    ];
    const program = new Program(BIN, {
      args: [...args, '--grace', '1000'],
      by: [...network.on(name), process.execPath],
      env: { MILLRACE_NOTES: notes },
    });
    await program.printed(/ready:/);
    return new Host(program);
  }

  /** The processes that run tasks. */
  get taskPids(): number[] {
    return descendants(this.#program.pid)
      .filter(({ title }) => /^task worker \d/.test(title))
      .map(({ pid }) => pid);
  }

  get output(): string {
    return this.#program.output;
  }

  /** As an operator does: by SIGTERM. Resolves when it has ended. */
  async stop(): Promise<void> {
    process.kill(this.#program.pid, 'SIGTERM');
    await this.#program.ended();
  }

  async kill(): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}
