import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@millrace/testkit';
import { Redis } from 'ioredis';

/** A Redis of the test's own, on a Unix socket. */
export class TestRedis {
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-redis-'));
  readonly connection = join(this.directory, 'redis.sock');
  #process: ChildProcess | undefined;

  /** Starts it, also again: with what it has saved if it saves. */
  async start(...options: readonly string[]): Promise<void> {
    const own = ['--port', '0', '--unixsocket', this.connection, '--dir', this.directory, '--save', ''];
    const child = spawn('redis-server', [...own, '--maxmemory-policy', 'noeviction', ...options], {
      stdio: 'ignore',
    });
    this.#process = child;
    await until('Redis to answer', async () => {
      const client = new Redis(this.connection, { lazyConnect: true, retryStrategy: () => null });
      client.on('error', () => {});
      try {
        await client.connect();
        return (await client.ping()) === 'PONG';
      } catch {
        return false;
      } finally {
        client.disconnect();
      }
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Why tests over Redis cannot run; undefined: they can. In CI they must. */
export function whyNoRedis(): string | undefined {
  if (process.env.CI !== undefined || spawnSync('redis-server', ['--version']).status === 0) return undefined;
  return 'redis-server is not installed (Debian: redis-server)';
}
