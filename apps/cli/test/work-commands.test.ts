/** What the command tells of tasks, queues and tables, while a process of the server hangs as well. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, TestClient, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { millrace, type Ran } from './millrace.js';
import { portOf, programOf } from './support.js';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-work-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Ran> => millrace(args, env);
const working = (): Program => new Program(programOf('working.mjs'), { env });

// biome-ignore lint/suspicious/noExplicitAny: it is what the tests look at
async function json(...args: string[]): Promise<any> {
  return JSON.parse((await run(...args, '--json')).stdout);
}

test('tasks tells of them by name, and what each task worker runs', async () => {
  await using program = working();
  const client = await TestClient.connect(await portOf(program));
  for (const line of ['add', 'add', 'wait']) await client.ask(line);
  await until('a task that runs', async () => (await json('tasks')).workers[0].task === 'wait');
  const { code, stdout, stderr } = await run('tasks');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^add +0 +0 +2 +0 +[\d.]+m?s +[\d.]+m?s +[\d.]+m?s +[\d.]+m?s$/m);
  expect(stdout).toMatch(/^wait +0 +1 +0 +0 +- +- +- +-$/m);
  expect(stdout).toMatch(/^task-worker:0 +wait +\d+s$/m);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  client.close();
});

test('queues tells what waits', async () => {
  await using program = working();
  await portOf(program);
  const { code, stdout } = await run('queues');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^reactor:0 -> worker:1 +ring +0 +- +0B +\d+[KM.\d]*/m);
  expect(stdout).toMatch(/^tasks +backlog +0 +10,000 +- +-$/m);
  expect(stdout).toMatch(/^clients +memory +- +- +0B +[\d.]+[MG]$/m);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  const names: string[] = (await json('queues')).map(({ name }: { name: string }) => name);
  expect(names).toContain('tasks');
  // Of the places that it may be scaled to, those with a process.
  const { processTable, size } = await json('status');
  expect(size.maxWorkers).toBeGreaterThan(size.workers);
  const told = new Set(names.flatMap((name) => name.match(/worker:\d+/) ?? []));
  const there = processTable.filter(({ role }: { role: string }) => role === 'worker');
  expect([...told].sort()).toEqual(there.map(({ name }: { name: string }) => name).sort());
});

test('tables tells how full they are, and how often what is looked for is there', async () => {
  await using program = working();
  const client = await TestClient.connect(await portOf(program));
  for (const line of ['look ada', 'look ada', 'look ada', 'look bob']) await client.ask(line);
  await until('what processes tell each second', async () => {
    const [{ hits, misses }] = await json('tables');
    return hits === 2 && misses === 2;
  });
  const { code, stdout } = await run('tables');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^visits +2 +16 +12\.5% +[\d.]+K +4 +50\.0%$/m);
  client.close();
});

test.each(['worker', 'manager'])('a %s that hangs holds up none of them', async (who) => {
  await using program = working();
  const client = await TestClient.connect(await portOf(program));
  await client.ask('add');
  if (who === 'worker') client.send('hang\n');
  else {
    const { processTable } = await json('status');
    process.kill(processTable.find(({ name }: { name: string }) => name === 'manager').pid, 'SIGSTOP');
  }
  await until('it is told as one that hangs', async () => (await json('status')).state === 'degraded');
  for (const command of ['tasks', 'queues', 'tables'])
    expect([command, (await run(command)).code]).toEqual([command, 0]);
  client.close();
  program.kill('SIGKILL');
  await program.ended();
});
