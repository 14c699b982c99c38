import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program that `millrace start` has started. */
export interface App {
  /** Of the master. */
  readonly pid: number;
  readonly port: number;
  readonly stop: () => Promise<void>;
}

const CLI = fileURLToPath(new URL('dist/main.js', import.meta.resolve('millrace/package.json')));

/** Starts a program that listens on `PORT`. Resolves when it does. */
export async function startApp(program: string, workers: number): Promise<App> {
  const port = await freePort();
  const child = spawn(process.execPath, [CLI, 'start', '--workers', `${workers}`, program], {
    env: { ...process.env, PORT: `${port}`, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  const log = createInterface({ input: child.stdout });
  for await (const line of log) {
    if (!/listening on/.test(line)) continue;
    child.stdout.resume();
    return { pid: child.pid as number, port, stop };
  }
  throw new Error('The program has ended before it listened.');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
