import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { millrace, type Ran } from './millrace.js';
import { get, portOf, programOf, start } from './support.js';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-scale-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Ran> => millrace(args, env);
const hello = (...flags: string[]): Program =>
  start(programOf('hello.cjs'), { flags: ['--log-level', 'warn', ...flags], env });

// biome-ignore lint/suspicious/noExplicitAny: it is what the test looks at
const status = async (): Promise<any> => JSON.parse((await run('status', '--json')).stdout);

/** Clients that keep their connections and ask as fast as they are answered. Resolves, when `during` is over, with what came of it. */
async function keepAlive(port: number, during: () => Promise<void>) {
  const result = { answered: 0, refused: [] as string[], connections: 0, pids: new Set<string>() };
  let over = false;
  const ask = (agent: Agent) =>
    new Promise<void>((resolve) => {
      const asked = request({ host: '127.0.0.1', port, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => {
          text += more;
        });
        response.on('end', () => {
          if (response.statusCode === 200) result.answered++;
          else result.refused.push(String(response.statusCode));
          result.pids.add(text);
          resolve();
        });
      });
      asked.on('socket', (socket) => {
        if (!socket.listenerCount('millrace-seen')) {
          socket.on('millrace-seen' as 'close', () => {});
          result.connections++;
        }
      });
      asked.on('error', (error) => {
        // An idle connection may end at any time; the request is sent by another one then, as each client does.
        if (!asked.reusedSocket) result.refused.push(error.message);
        resolve();
      });
      asked.end();
    });
  const clients = Array.from({ length: 12 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over) await ask(agent);
    agent.destroy();
  });
  await during();
  over = true;
  await Promise.all(clients);
  return result;
}

test('HTTP clients keep their connections while a program is scaled from four workers to one and back', async () => {
  await using program = hello('--workers', '4');
  const port = await portOf(program);
  const result = await keepAlive(port, async () => {
    const down = await run('scale', 'workers=1');
    expect(down).toMatchObject({ code: 0, stdout: '' });
    expect(down.stderr).toMatch(/^from 4 workers$/m);
    expect(down.stderr).toMatch(/^worker:3 has ended: process \d+$/m);
    expect(down.stderr).toMatch(/^to 1 worker$/m);
    const { processTable, size } = await status();
    expect(processTable.map((one: { name: string }) => one.name)).toEqual([
      'master',
      'manager',
      'worker:0',
      'admin',
    ]);
    expect(size).toMatchObject({ workers: 1, maxWorkers: expect.any(Number) });
    const up = await run('scale', 'workers=4', '--json');
    expect(JSON.parse(up.stdout.trimEnd().split('\n').at(-1) as string)).toMatchObject({
      type: 'done',
      outcome: 'scaled',
      workers: 4,
    });
  });
  expect(result).toMatchObject({ refused: [], connections: 12 });
  expect(result.answered).toBeGreaterThan(500);
});

test('in base mode their requests are answered, on connections that are made anew', async () => {
  await using program = hello('--workers', '3', '--mode', 'base');
  const port = await portOf(program);
  const result = await keepAlive(port, async () => {
    expect(await run('scale', 'workers=1')).toMatchObject({ code: 0 });
    expect(await run('scale', 'workers=3')).toMatchObject({ code: 0 });
  });
  expect(result.refused).toEqual([]);
  expect(result.answered).toBeGreaterThan(200);
});

test('in base mode the worker that stays accepts for those that are gone, and so do the processes after it', async () => {
  await using program = hello('--workers', '3', '--mode', 'base');
  const port = await portOf(program);
  // The kernel deals clients out to the sockets of all three.
  const answers = () => Promise.all(Array.from({ length: 40 }, () => get(port)));
  await until('all three', async () => new Set(await answers()).size === 3);
  expect(await run('scale', 'workers=1')).toMatchObject({ code: 0 });
  const [first] = await answers();
  expect(await run('reload')).toMatchObject({ code: 0 });
  const reloaded = new Set(await answers());
  expect(reloaded.size).toBe(1);
  expect(reloaded).not.toContain(first);
  process.kill(Number([...reloaded][0]), 'SIGKILL');
  await program.printed(/worker 0 ended by SIGKILL/);
  const killed = new Set(await answers());
  expect(killed.size).toBe(1);
  expect(killed).not.toEqual(reloaded);
  expect(await run('scale', 'workers=3')).toMatchObject({ code: 0 });
  await until('clients of all three', async () => new Set(await answers()).size === 3);
});

test('what is no size is refused before anything is asked, and too large a one with its limit', async () => {
  await using program = hello('--workers', '1');
  await portOf(program);
  for (const wrong of ['workers', 'workers=0', 'reactors=2', 'workers=-1'])
    expect(await run('scale', wrong)).toMatchObject({ code: 2, stdout: '' });
  expect((await run('scale', 'workers=2', 'workers=3')).code).toBe(2);
  const { size } = await status();
  const beyond = await run('scale', `workers=${size.maxWorkers + 1}`);
  expect(beyond.code).toBe(1);
  expect(beyond.stderr).toContain(`allowed are 1 to ${size.maxWorkers}, which is 'maxWorkerNum'`);
  expect((await run('scale', 'tasks=2')).stderr).toContain('started with taskWorkerNum 0');
  await until('the same size', async () => (await status()).size.workers === 1);
});
