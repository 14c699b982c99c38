import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, isAbsolute } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { killLeft, processTree } from './load/processor-time.js';

/**
 * What processes of a benchmark see of the environment: not the certificates that a company adds, which Node reads as it
 * boots. Node 20 sets up all that it knows for them, in each process: 45 ms that belong to none of those that are compared.
 */
const { NODE_EXTRA_CA_CERTS: _, ...ENVIRONMENT } = process.env;

/** How long a process of a benchmark may take: a bound, far beyond what any takes. */
const DEADLINE_MS = 120_000;
/** Milliseconds for a program to end in order. */
const STOP_MS = 5_000;

export interface ChildOptions {
  /** The processors that it and its children run on, as `taskset` takes them. Default: any. */
  readonly cpus?: string | undefined;
  /** Variables that it has beside those of this process. Default: none. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A command that is to run it, as `ip netns exec NAME`. Default: none. */
  readonly within?: readonly string[] | undefined;
  /** Milliseconds after which it is killed, whatever it does. Default 120,000. */
  readonly deadline?: number;
}

// Ended by a signal, this process ends in order, and takes what it has started with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** A process of a benchmark: one of ours, or a program that the user named. Ended with this one. */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #kill = () => this.#process.kill('SIGKILL');
  /** When this process ends: those below it do not all end by themselves. */
  readonly #killAll = () => {
    if (this.#process.pid !== undefined) killLeft(processTree(this.#process.pid));
  };
  readonly #deadline: NodeJS.Timeout;

  constructor(command: string, args: readonly string[], options: ChildOptions = {}) {
    const { cpus, env, within = [], deadline = DEADLINE_MS } = options;
    const pinned = cpus === undefined ? [] : ['taskset', '-c', cpus];
    const [file, ...rest] = [...within, ...pinned, command, ...args];
    this.#process = spawn(file as string, rest, {
      stdio: ['pipe', 'pipe', 'inherit'],
      // What servers print is a result, not a line of their log.
      env: { ...ENVIRONMENT, MILLRACE_PROGRAM_OUTPUT: 'raw', ...env },
    });
    // One that could not be started has no output either: `next` says so.
    this.#process.once('error', () => {});
    // One that has ended cannot be written to; `next` says so.
    this.#process.stdin?.on('error', () => {});
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('A child has no output.');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#deadline = setTimeout(this.#kill, deadline);
    process.once('exit', this.#killAll);
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('A child could not be started.');
    return this.#process.pid;
  }

  /** The next line that it prints, as JSON. */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`A child ended without a result: ${this.#command}`);
    return JSON.parse(value as string) as T;
  }

  /** Hands on each further line that it prints, as JSON; resolves when it has ended. */
  async each<T>(listener: (line: T) => void): Promise<void> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return;
      listener(JSON.parse(value as string) as T);
    }
  }

  /** Asks a program that has processes of its own to end, and waits for it; one that does not is killed. */
  async stop(): Promise<void> {
    const family = this.#running ? processTree(this.pid) : [];
    if (this.#running) {
      const ended = once(this.#process, 'exit');
      const late = setTimeout(this.#kill, STOP_MS);
      this.#process.kill('SIGTERM');
      await ended;
      clearTimeout(late);
    }
    // What a program that had to be killed has left behind.
    killLeft(family);
    await this.end();
  }

  /** Writes to its input. */
  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  async end(): Promise<void> {
    clearTimeout(this.#deadline);
    process.removeListener('exit', this.#killAll);
    if (!this.#running) return;
    const ended = once(this.#process, 'exit');
    this.#kill();
    await ended;
  }

  /** Its command line, without where its files lie: that is the machine's. */
  get #command(): string {
    return this.#process.spawnargs.map((word) => (isAbsolute(word) ? basename(word) : word)).join(' ');
  }

  get #running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }
}

/** Starts a module of this package in a Node of its own. */
export function startModule(
  url: URL,
  args: readonly (string | number)[] = [],
  options?: ChildOptions,
): Child {
  return new Child(process.execPath, [fileURLToPath(url), ...args.map(String)], options);
}

/** Runs a module of this package that prints one line of JSON. */
export async function runModule<T>(
  url: URL,
  args: readonly (string | number)[],
  options?: ChildOptions,
): Promise<T> {
  const child = startModule(url, args, options);
  try {
    return await child.next<T>();
  } finally {
    await child.end();
  }
}
