import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, runModule, startModule } from '../child.js';
import { freePort } from '../free-port.js';
import type { Contender } from '../harness.js';
import type { LoadResult, Work } from '../load/work.js';

/** How the echo of a contender is built; each takes what it knows. */
export interface EchoOptions {
  readonly mode?: 'process' | 'base';
  readonly reactors?: number;
  readonly workers?: number;
  /** More than 0: the answer comes from a task. */
  readonly taskWorkers?: number;
  /** How our tasks travel, and large values of them. */
  readonly taskTransport?: 'ring' | 'pipe';
  readonly taskLargeValues?: 'memory' | 'file';
  /** How Swoole's tasks travel. */
  readonly taskIpc?: 'socket' | 'queue';
}

/** An echo that runs: its root process, and where it listens. */
interface Running {
  readonly child: Child;
  readonly port: number;
}

/** An echo of length-prefixed messages that can be started. */
export interface Program {
  readonly name: string;
  readonly missing?: string | undefined;
  readonly start: () => Promise<Running>;
}

/** Milliseconds until Swoole accepts, at most. */
const START_MS = 10_000;
const RETRY_MS = 10;
/** Milliseconds for a server to come to rest, its spare processes included, before it is loaded. */
const SETTLE_MS = 1_500;

function ofModule(name: string, file: string, options: EchoOptions): Program {
  const start = async () => {
    const child = startModule(new URL(file, import.meta.url), [JSON.stringify(options)]);
    return { child, port: await child.next<number>() };
  };
  return { name, start };
}

export function millrace(options: EchoOptions, name = `millrace, ${options.mode ?? 'process'}`): Program {
  return ofModule(name, './echo-millrace.js', options);
}

export const nodeNet: Program = ofModule('node:net', './echo-net.js', {});

export function nodeCluster(workers: number): Program {
  return ofModule(`node:cluster, ${workers} workers`, './echo-net.js', { workers });
}

/** Swoole, when `SWOOLE_SO` names the extension; `PHP` names the interpreter, `php` by default. */
export function swoole(options: EchoOptions, name = `Swoole, ${options.mode ?? 'process'}`): Program {
  const extension = process.env.SWOOLE_SO;
  const script = fileURLToPath(new URL('../../src/server/echo-swoole.php', import.meta.url));
  const start = async () => {
    const port = await freePort();
    const args = ['-d', `extension=${extension}`, script, String(port), JSON.stringify(options)];
    const child = new Child(process.env.PHP ?? 'php', args);
    await accepts(port);
    return { child, port };
  };
  return { name, missing: extension ? undefined : 'not measured: set SWOOLE_SO to the extension', start };
}

/** One program under one load. */
export function underLoad({ name, missing, start }: Program, work: Omit<Work, 'port' | 'pid'>): Contender {
  const run = async () => {
    const { child, port } = await start();
    try {
      await sleep(SETTLE_MS);
      const client = new URL('../load/client.js', import.meta.url);
      return await runModule<LoadResult>(client, [JSON.stringify({ ...work, port, pid: child.pid })]);
    } finally {
      await child.stop();
    }
  };
  return { name, missing, run };
}

async function accepts(port: number): Promise<void> {
  const end = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    if (performance.now() > end) throw new Error(`Nothing accepts on port ${port} after ${START_MS} ms.`);
    await sleep(RETRY_MS);
  }
}
