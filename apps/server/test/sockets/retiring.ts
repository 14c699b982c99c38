/** Clients of a server whose workers are replaced under them (fixtures/retiring.ts). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerOptions } from '@millrace/server';
import { isRunning, type Program, TestClient, until } from '@millrace/testkit';
import { onTestFinished } from 'vitest';
import { launch } from '../support.js';

/** Milliseconds that a reload may take: each process of it loads the program, where others keep the processors busy. */
export const RELOAD_MS = 50_000;
/** Longer than any test of this file waits for something else. */
const PATIENT = { maxWaitTime: 60_000 };

/** A file that a handler waits for, until the test makes it. */
export function gate() {
  const directory = mkdtempSync(join(tmpdir(), 'retiring-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'open');
  return { path, open: () => writeFileSync(path, '') };
}

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A client that keeps its connection. */
export class Keeping {
  readonly #client: TestClient;

  private constructor(client: TestClient) {
    this.#client = client;
  }

  static async connect(port: number): Promise<Keeping> {
    const client = await TestClient.connect(port);
    onTestFinished(() => client.close());
    return new Keeping(client);
  }

  get ended(): boolean {
    return this.#client.ended;
  }

  send(data: string | Uint8Array): void {
    this.#client.send(data);
  }

  get(path: string): Promise<Answer> {
    this.send(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    return this.answer();
  }

  /** Its pid as the process that answers has it. */
  async pid(): Promise<number> {
    const { body } = await this.get('/pid');
    return Number(body);
  }

  /** The next answer, of a known length or in chunks. */
  async answer(): Promise<Answer> {
    const head = await this.head();
    const status = Number(head.split(' ')[1]);
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    if (length !== undefined) return { status, head, body: String(await this.#client.take(Number(length))) };
    let body = '';
    for (;;) {
      const size = Number.parseInt(await this.until('\r\n'), 16);
      body += String(await this.#client.take(size));
      await this.#client.take(2);
      if (size === 0) return { status, head, body };
    }
  }

  head(): Promise<string> {
    return this.until('\r\n\r\n');
  }

  take(length: number): Promise<Buffer> {
    return this.#client.take(length);
  }

  /** Takes up to the end of `text`. */
  async until(text: string): Promise<string> {
    const at = await until(
      () => `${JSON.stringify(text)}, of ${String(this.#client.received)}`,
      () => {
        const found = this.#client.received.indexOf(text);
        return found >= 0 && found + text.length;
      },
    );
    return String(await this.#client.take(at as number));
  }

  async closed(): Promise<void> {
    await this.#client.serverClosed();
  }
}

export interface Retiring extends AsyncDisposable {
  readonly program: Program;
  readonly app: number;
  readonly stream: number;
  /** Each message is answered with the number of its session. */
  readonly messages: number;
}

export async function start(
  options: Partial<ServerOptions> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Retiring> {
  const program = launch('retiring', { ...PATIENT, ...options }, env);
  const [, app, stream, messages] = await program.printed(/^listening (\d+) (\d+) (\d+)$/m);
  return {
    program,
    app: Number(app),
    stream: Number(stream),
    messages: Number(messages),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** The process that serves new clients. */
export async function pidNow(app: number): Promise<number> {
  const client = await TestClient.connect(app);
  try {
    client.send('GET /pid HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
    await client.serverClosed();
    return Number(/\r\n\r\n(\d+)\n$/.exec(String(client.received))?.[1]);
  } finally {
    client.close();
  }
}

/** Has the worker replaced, and waits until another process has its place. Returns the pid of that. */
export async function handOver({ program, app }: Retiring, before: number): Promise<number> {
  program.kill('SIGUSR1');
  return until(
    'another process to have the place',
    async () => {
      const pid = await pidNow(app);
      return pid !== before && pid;
    },
    { deadlineMs: RELOAD_MS },
  );
}

/** The connection is that process's: the one before offers it once it has given its place up. */
export const movedTo = (client: Keeping, pid: number) =>
  until(`a connection of process ${pid}`, async () => (await client.pid()) === pid);

export async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(`the end of process ${pid}`, () => !isRunning(pid));
}

export const over = ({ program }: Retiring, times = 1) =>
  until('the reload to be over', () => program.count(/^event afterReload/gm) >= times, {
    deadlineMs: RELOAD_MS,
  });
