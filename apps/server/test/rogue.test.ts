import { isRunning, TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, type RunningServer, startServer } from './support.js';

const SEEDS = [1, 2, 3];

/** Goes on asking until it is stopped; the answers must keep coming, and from one process. */
function steadily(client: TestClient): { stop(): Promise<Set<string>> } {
  const pids = new Set<string>();
  let goOn = true;
  const asking = (async () => {
    while (goOn) pids.add((await client.ask('who')).split(' ')[0] as string);
  })();
  return {
    async stop() {
      goOn = false;
      await asking;
      return pids;
    },
  };
}

describe.each([
  ['ring', ['link', 'heads', 'magic', 'length', 'kind', 'total', 'packet', 'short']],
  ['pipe', ['bytes', 'short', 'total', 'beyond', 'packet']],
] as const)('a worker that writes over its %s', (ipc, kinds) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ ipc }, {}, 'rogue');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(kinds.flatMap((kind) => SEEDS.map((seed) => [kind, seed] as const)))(
    '(%s, %i) is killed and replaced; its clients stay, and others notice nothing',
    async (kind, seed) => {
      const victim = await clientOf(server.lines, 0, 'who');
      const other = await clientOf(server.lines, 1, 'who');
      const [pid] = (await victim.ask('who')).split(' ');
      const others = steadily(other);
      victim.send(`rogue ${kind} ${seed}\n`);
      await until('the end of the rogue', () => !isRunning(Number(pid)));
      const [next, id] = (await victim.ask('who')).split(' ');
      expect([id, next === pid]).toEqual(['0', false]);
      expect((await others.stop()).size).toBe(1);
      expect(server.program.output).toMatch(
        /of worker 0, holds what makes no sense|makes no sense: The ring/,
      );
      for (const client of [victim, other]) client.close();
    },
  );
});

test('a worker that writes over the words of all doorbells and dies leaves nobody asleep', async () => {
  await using server = await startServer({}, {}, 'rogue');
  const victim = await clientOf(server.lines, 0, 'who');
  const other = await clientOf(server.lines, 1, 'who');
  const [pid] = (await victim.ask('who')).split(' ');
  victim.send('rogue bells 1\n');
  await until('the end of the rogue', () => !isRunning(Number(pid)));
  expect((await other.ask('who')).split(' ')[1]).toBe('1');
  expect((await victim.ask('who')).split(' ')).toEqual([expect.not.stringMatching(`^${pid}$`), '0']);
  for (const client of [victim, other]) client.close();
});

test.each(['counters', 'connections'])(
  'a worker that writes over the %s leaves a server that serves those who come',
  async (kind) => {
    await using server = await startServer({}, {}, 'rogue');
    const victim = await clientOf(server.lines, 0, 'who');
    victim.send(`rogue ${kind} 7\n`);
    await server.program.printed(/all is written over/);
    for (let i = 0; i < 20; i++) {
      const client = await TestClient.connect(server.lines);
      expect(await client.ask('who')).toMatch(/^\d+ [01]$/);
      client.close();
    }
    expect(server.program.process.exitCode).toBeNull();
    victim.close();
  },
);

test.each(SEEDS)(
  'a worker that posts nonsense to all others (%i) ends none of them, and messages go on arriving',
  async (seed) => {
    await using server = await startServer({}, {}, 'rogue');
    const victim = await clientOf(server.lines, 0, 'who');
    const other = await clientOf(server.lines, 1, 'who');
    const [pid] = (await other.ask('who')).split(' ');
    const before = server.program.children().map((child) => child.pid);
    victim.send(`rogue post ${seed}\n`);
    for (const to of ['1', 'manager', 'master'])
      expect(await victim.ask(`rogue mail ${to}`)).toBe(`heard ${to}`);
    expect((await other.ask('who')).split(' ')[0]).toBe(pid);
    expect(server.program.children().map((child) => child.pid)).toEqual(before);
    expect(server.program.output).toMatch(/a message between processes is dropped/);
    for (const client of [victim, other]) client.close();
  },
);

test.each(['bytes', 'value', 'all'])(
  'a worker whose control pipe carries nonsense (%s) is killed and replaced, and the manager goes on',
  async (kind) => {
    await using server = await startServer({}, {}, 'rogue');
    const victim = await clientOf(server.lines, 0, 'who');
    const other = await clientOf(server.lines, 1, 'who');
    const [pid] = (await victim.ask('who')).split(' ');
    const others = steadily(other);
    victim.send(`rogue control-${kind} 1\n`);
    await until('the end of the rogue', () => !isRunning(Number(pid)));
    const [next, id] = (await victim.ask('who')).split(' ');
    expect([id, next === pid]).toEqual(['0', false]);
    expect((await others.stop()).size).toBe(1);
    await until('a line of the log', () => /on its control pipe makes no sense/.test(server.program.output));
    for (const client of [victim, other]) client.close();
  },
);
