import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { type RunningServer, startServer } from '../support.js';

interface Line {
  readonly level: string;
  readonly time: number;
  readonly role: string;
  readonly id?: number;
  readonly pid: number;
  readonly stream?: string;
  readonly msg: string;
  readonly leftOut?: number;
}

const linesOf = (text: string): Line[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

class Chatty implements AsyncDisposable {
  readonly server: RunningServer;
  readonly client: TestClient;

  private constructor(server: RunningServer, client: TestClient) {
    this.server = server;
    this.client = client;
  }

  static async started(options: Partial<ServerOptions> = {}, env: NodeJS.ProcessEnv = {}): Promise<Chatty> {
    const server = await startServer(options, { MILLRACE_PROGRAM_OUTPUT: 'log', ...env }, 'chatty');
    return new Chatty(server, await TestClient.connect(server.lines));
  }

  get output(): string {
    return this.server.program.output;
  }

  get lines(): Line[] {
    return linesOf(this.output);
  }

  /** The line with that text, when it has come. */
  line(msg: string): Promise<Line> {
    return until(`the line ${msg}`, () => this.lines.find((line) => line.msg === msg));
  }

  say(what: string): Promise<string> {
    return this.client.ask(what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

describe('what processes write to their standard streams', () => {
  test('arrives in the log with its role, id, pid and stream, from every role', async () => {
    await using chatty = await Chatty.started();
    await chatty.say('console');
    await chatty.say('task');
    const out = await chatty.line('by console.log');
    expect(out).toMatchObject({ level: 'info', role: 'worker', stream: 'stdout', time: expect.any(Number) });
    expect(await chatty.line('by console.error')).toMatchObject({
      level: 'error',
      pid: out.pid,
      stream: 'stderr',
    });
    expect(await chatty.line('of the manager')).toMatchObject({ role: 'manager', stream: 'stdout' });
    expect(await chatty.line('of a task worker')).toMatchObject({ role: 'task-worker', id: 0 });
    expect(await chatty.line('of a user process')).toMatchObject({ role: 'user-process', id: 0 });
    const started = await until('both workers', () => {
      const found = chatty.lines.filter(
        ({ role, msg }) => role === 'worker' && msg === 'of a worker that starts',
      );
      return found.length === 2 && found;
    });
    expect(new Set(started.map(({ id }) => id))).toEqual(new Set([0, 1]));
  });

  test('arrives by whatever means it is written, of children too, a line each', async () => {
    await using chatty = await Chatty.started();
    await chatty.say('raw');
    const { pid } = await chatty.line('by writeSync');
    const origin = { role: 'worker', pid };
    expect(await chatty.line('by native code')).toMatchObject({ ...origin, stream: 'stderr' });
    expect(await chatty.line('by a child')).toMatchObject({ ...origin, stream: 'stdout' });
    expect(await chatty.line('half of a line')).toMatchObject(origin);
    await chatty.say('unended');
    expect(await chatty.line('a question? ')).toMatchObject(origin);
    await chatty.say('long 40000');
    await until(
      'all of the long one',
      () =>
        chatty.lines
          .filter(({ msg }) => /^x+$/.test(msg))
          .map(({ msg }) => msg.length)
          .reduce((a, b) => a + b, 0) === 40_000,
    );
  });

  test('of a logger keeps its level, its time and what it tells', async () => {
    await using chatty = await Chatty.started();
    await chatty.say('logger');
    expect(await chatty.line('of pino')).toMatchObject({
      level: 'warn',
      time: 5,
      role: 'worker',
      stream: 'stdout',
      hostname: 'h',
      id_: 'order',
      stream_: 's',
    });
    await until('the line of winston', () =>
      chatty.lines.find((line) => (line as unknown as { message?: string }).message === 'of winston'),
    );
    expect(await chatty.line('{"no": "level"}')).toMatchObject({ level: 'info' });
  });

  test('arrives of a process that V8 ends for want of memory, and of an error that is not caught', async () => {
    await using chatty = await Chatty.started({}, { NODE_OPTIONS: '--max-old-space-size=60' });
    chatty.client.send('memory\n');
    const last = await until('the last words', () =>
      chatty.lines.find(({ msg }) => msg.startsWith('FATAL ERROR: ')),
    );
    expect(last).toMatchObject({ role: 'worker', stream: 'stderr', pid: expect.any(Number) });
    await until('the next one', () =>
      chatty.lines.some(({ msg }) => msg === `worker ${last.id} has been replaced`),
    );
    const client = await TestClient.connect(chatty.server.lines);
    client.send('throw\n');
    expect(await chatty.line('Error: not caught')).toMatchObject({ level: 'error', role: 'worker' });
    client.close();
  });

  test.each(['flood', 'rawFlood'])('is limited and counted in a %s, which holds up nobody', async (way) => {
    await using chatty = await Chatty.started({ outputLimit: 100 });
    expect(await chatty.say(`${way} 20000`)).toBe('done');
    const told = await until('how many are left out', () =>
      chatty.lines.find(({ leftOut }) => leftOut !== undefined),
    );
    expect(told).toMatchObject({ level: 'warn', role: 'worker' });
    const sum = () => {
      const { lines } = chatty;
      const arrived = lines.filter(({ msg }) => msg.startsWith('flood ')).length;
      return lines.reduce((all, { leftOut = 0 }) => all + leftOut, arrived);
    };
    await until('all of them', () => sum() >= 20_000);
    expect(sum()).toBe(20_000);
    expect(chatty.lines.filter(({ msg }) => msg.startsWith('flood ')).length).toBeLessThanOrEqual(2_000);
    expect(chatty.lines.filter(({ msg }) => msg.startsWith('flood '))[0]?.msg).toBe('flood 0');
    // Of others nothing is lost.
    await chatty.line('of the manager');
  });

  test('is all there when the server has ended, in whole lines', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-output-'));
    try {
      const logFile = join(directory, 'log');
      await using chatty = await Chatty.started({ outputLimit: 0, logFile });
      await chatty.say('flood 4000');
      chatty.server.program.kill('SIGTERM');
      expect(await chatty.server.program.ended()).toEqual({ code: 0, signal: null });
      const text = readFileSync(logFile, 'utf8');
      expect(linesOf(text).filter(({ msg }) => msg.startsWith('flood '))).toHaveLength(4_000);
      expect(
        text
          .trimEnd()
          .split('\n')
          .filter((line) => !/^\{.*\}$/.test(line)),
      ).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('goes to the logFile, where that is, also after it was opened anew', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-output-'));
    try {
      const logFile = join(directory, 'log');
      await using chatty = await Chatty.started({ logFile });
      await chatty.say('console');
      const has = (file: string) => () => readFileSync(file, 'utf8').includes('"msg":"by console.log"');
      await until('the line', has(logFile));
      renameSync(logFile, `${logFile}.1`);
      chatty.server.program.kill('SIGWINCH');
      await until('the line in the new file', async () => {
        await chatty.say('console');
        try {
          return has(logFile)();
        } catch {
          return false;
        }
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('goes on when the manager was killed', async () => {
    await using chatty = await Chatty.started();
    const { pid } = await chatty.line('of the manager');
    process.kill(pid, 'SIGKILL');
    const next = await until('the next manager', () =>
      chatty.lines.find((line) => line.msg === 'of the manager' && line.pid !== pid),
    );
    expect(next.role).toBe('manager');
    const client = await TestClient.connect(chatty.server.lines);
    await client.ask('console');
    await chatty.line('by console.log');
    client.close();
  });

  test('stays as it is where the program wants its terminal', async () => {
    await using chatty = await Chatty.started({ programOutput: 'raw' });
    await chatty.say('console');
    await chatty.server.program.printed(/^by console\.log$/m);
    await chatty.server.program.printed(/^of the manager$/m);
  });
});
