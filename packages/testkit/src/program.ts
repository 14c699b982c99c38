import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEADLINE_MS, Hopeless, until, within } from './deadline.js';
import { descendants, isRunning, type ProcessInfo } from './processes.js';

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A command that makes surroundings, and becomes the program that is named behind it. Default: none. */
  readonly through?: readonly string[];
  /** The command that runs the file, which stands behind it. Default: this node. */
  readonly by?: readonly string[];
}

/** Where servers under test put the sockets that they are asked by: not among those of this user. */
const RUNTIME_DIRECTORY = join(tmpdir(), `test-run-${process.pid}`);
/** What a fixture prints is looked at as it is; tests of the log say otherwise. */
const SURROUNDINGS = { MILLRACE_RUNTIME_DIR: RUNTIME_DIRECTORY, MILLRACE_PROGRAM_OUTPUT: 'raw' };
process.on('exit', () => rmSync(RUNTIME_DIRECTORY, { recursive: true, force: true }));

/** A program under test: a real process, its output kept, and everything below it ended with it. */
export class Program implements AsyncDisposable {
  readonly process: ChildProcess;
  #output = '';
  #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(
    file: string | URL,
    { args = [], env = {}, through = [], by = [process.execPath] }: ProgramOptions = {},
  ) {
    const path = file instanceof URL ? file.pathname : file;
    const [command, ...rest] = [...through, ...by, path, ...args] as [string, ...string[]];
    this.process = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...SURROUNDINGS, ...process.env, ...env },
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#ended = once(this.process, 'close').then(([code, signal]) => ({ code, signal }));
    this.#ended.catch(() => {});
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('The program could not be started');
    return this.process.pid;
  }

  /** All that it and its children have written so far. */
  get output(): string {
    return this.#output;
  }

  /** Waits until the output matches, and returns the match. */
  async printed(pattern: RegExp, deadlineMs = DEADLINE_MS): Promise<RegExpMatchArray> {
    const matches = () => {
      const match = this.#output.match(pattern);
      if (!match && this.process.exitCode !== null) {
        throw new Hopeless(`It ended with ${this.process.exitCode}: ${this.#output}`);
      }
      return match;
    };
    return until(() => `output ${pattern}, ${this.#last()}`, matches, { deadlineMs });
  }

  /** How often the output matches a pattern that has the g flag. */
  count(pattern: RegExp): number {
    return [...this.#output.matchAll(pattern)].length;
  }

  children(): ProcessInfo[] {
    return descendants(this.pid);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Waits for its end and for that of its output. */
  async ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return within(() => `the end of the program, ${this.#last()}`, this.#ended);
  }

  /** For what is told of a wait that was for nothing. */
  #last(): string {
    return `of ${JSON.stringify(this.#output.slice(-2000))}`;
  }

  /** Kills whatever is left of it and waits until nothing is. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = [this.pid, ...this.children().map(({ pid }) => pid)].filter(isRunning);
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await until('no process left', () => !left.some(isRunning));
  }
}
