import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';

/** A NATS of the test's own, on a port of its own. */
export class TestNats {
  #directory = mkdtempSync(join(tmpdir(), 'millrace-nats-'));
  #port = 0;
  #process: ChildProcess | undefined;

  get servers(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts it, also again: with its data, unless they are forgotten. */
  async start({ js = true } = {}): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const own = ['-a', '127.0.0.1', '-p', String(this.#port)];
    this.#process = spawn('nats-server', js ? [...own, '-js', '-sd', this.#directory] : own, {
      stdio: 'ignore',
    });
    await until('NATS to listen', () => isListening(this.#port));
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  forget(): void {
    rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = mkdtempSync(join(tmpdir(), 'millrace-nats-'));
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Why tests over NATS cannot run; undefined: they can. In CI they must. */
export function whyNoNats(): string | undefined {
  if (process.env.CI !== undefined || spawnSync('nats-server', ['--version']).status === 0) return undefined;
  return 'nats-server is not installed (Debian: nats-server)';
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
