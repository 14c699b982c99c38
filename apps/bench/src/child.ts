import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How long a process of a benchmark may take, in milliseconds: a bound, far beyond what any takes. */
const DEADLINE_MS = 120_000;
/** Milliseconds for a program to end in order. */
const STOP_MS = 5_000;

/** A process of a benchmark: one of ours, or a program that the user named. Ended with this one. */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #kill = () => this.#process.kill('SIGKILL');
  readonly #deadline: NodeJS.Timeout;

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('A child has no output.');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#deadline = setTimeout(this.#kill, DEADLINE_MS);
    process.once('exit', this.#kill);
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('A child could not be started.');
    return this.#process.pid;
  }

  /** The next line that it prints, as JSON. */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`A child ended without a result: ${this.#process.spawnargs.join(' ')}`);
    return JSON.parse(value as string) as T;
  }

  /** Asks a program that has processes of its own to end, and waits for it; one that does not is killed. */
  async stop(): Promise<void> {
    if (this.#running) {
      const ended = once(this.#process, 'exit');
      const late = setTimeout(this.#kill, STOP_MS);
      this.#process.kill('SIGTERM');
      await ended;
      clearTimeout(late);
    }
    await this.end();
  }

  /** Writes to its input. */
  write(text: string): void {
    // One that has ended cannot be written to; `next` says so.
    this.#process.stdin?.once('error', () => {}).write(text);
  }

  async end(): Promise<void> {
    clearTimeout(this.#deadline);
    process.removeListener('exit', this.#kill);
    if (!this.#running) return;
    const ended = once(this.#process, 'exit');
    this.#kill();
    await ended;
  }

  get #running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }
}

/** Starts a module of this package in a Node of its own. */
export function startModule(url: URL, args: readonly (string | number)[] = []): Child {
  return new Child(process.execPath, [fileURLToPath(url), ...args.map(String)]);
}

/** Runs a module of this package that prints one line of JSON. */
export async function runModule<T>(url: URL, args: readonly (string | number)[]): Promise<T> {
  const child = startModule(url, args);
  try {
    return await child.next<T>();
  } finally {
    await child.end();
  }
}
