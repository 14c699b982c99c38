import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';

export type EngineKind = 'redis' | 'nats';

/** Why tests over an engine cannot run, in one line; undefined: they can. In CI they must. */
export function whyNot(kind: EngineKind): string | undefined {
  const program = `${kind}-server`;
  if (process.env.CI !== undefined || spawnSync(program, ['--version']).status === 0) return undefined;
  return `Skipped: ${program} is not installed (Debian: ${program}).`;
}

/** An engine of the test's own. */
export class TestEngine {
  readonly kind: EngineKind;
  /** What a client connects to. */
  readonly place: string;
  readonly #directory: string;
  readonly #args: readonly string[];
  readonly #to: { readonly path: string } | { readonly port: number; readonly host: string };
  #process: ChildProcess | undefined;

  private constructor(kind: EngineKind, directory: string, port: number) {
    this.kind = kind;
    this.#directory = directory;
    if (kind === 'redis') {
      const path = join(directory, 'redis.sock');
      this.place = path;
      this.#to = { path };
      const settings = ['--save', '', '--maxmemory-policy', 'noeviction'];
      this.#args = ['--port', '0', '--unixsocket', path, '--dir', directory, ...settings];
    } else {
      this.place = `nats://127.0.0.1:${port}`;
      this.#to = { port, host: '127.0.0.1' };
      this.#args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory];
    }
  }

  static async plan(kind: EngineKind): Promise<TestEngine> {
    return new TestEngine(kind, mkdtempSync(join(tmpdir(), 'millrace-engine-')), await freePort());
  }

  async start(): Promise<void> {
    this.#process = spawn(`${this.kind}-server`, this.#args, { stdio: 'ignore' });
    await until(`${this.kind} to answer`, () => answers(this.#to));
  }

  /** Ends it at once. Redis forgets what it had, JetStream has it on disk. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    if ('path' in this.#to && existsSync(this.#to.path)) rmSync(this.#to.path);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}

function answers(to: { readonly path: string } | { readonly port: number; readonly host: string }) {
  return new Promise<boolean>((resolve) => {
    const socket = connect(to);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
