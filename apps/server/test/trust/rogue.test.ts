import { isRunning, TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerOptions, ServerStats } from '../../src/index.js';
import { clientOf, isBase, type RunningServer, startServer } from '../support.js';

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

describe.skipIf(isBase).each([
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

describe.skipIf(isBase)('a worker that forges a packet', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ ipc: 'pipe' }, { ROGUE_DATAGRAMS: '1' }, 'rogue');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const impossible = [
    'address beyond the datagram',
    'address of less than nothing',
    'session that is no number',
    'session between two',
    'session without end',
  ];
  test.each(impossible)('(%s) is killed and replaced, and others notice nothing', async (kind) => {
    const victim = await clientOf(server.lines, 0, 'who');
    const other = await clientOf(server.lines, 1, 'who');
    const [pid] = (await victim.ask('who')).split(' ');
    const others = steadily(other);
    victim.send(`rogue ${kind.replaceAll(' ', '_')} 1\n`);
    await until('the end of the rogue', () => !isRunning(Number(pid)));
    expect((await victim.ask('who')).split(' ')[1]).toBe('0');
    expect((await others.stop()).size).toBe(1);
    for (const client of [victim, other]) client.close();
  });

  const vain = [
    'address that is none',
    'listener that is none',
    'listener for streams',
    'session that there never was',
    'session below all',
  ];
  test.each(vain)('(%s) has it dropped, and costs nobody anything', async (kind) => {
    const victim = await clientOf(server.lines, 0, 'who');
    const other = await clientOf(server.lines, 1, 'who');
    const before = [await victim.ask('who'), await other.ask('who')];
    victim.send(`rogue ${kind.replaceAll(' ', '_')} 1\n`);
    // Behind what was forged, in the same pipes.
    for (let i = 0; i < 3; i++) expect([await victim.ask('who'), await other.ask('who')]).toEqual(before);
    const late = await clientOf(server.lines, 0, 'who');
    for (const client of [victim, other, late]) client.close();
  });
});

test.skipIf(isBase)(
  'a worker that writes over the words of all doorbells and dies leaves nobody asleep',
  async () => {
    await using server = await startServer({}, {}, 'rogue');
    const victim = await clientOf(server.lines, 0, 'who');
    const other = await clientOf(server.lines, 1, 'who');
    const [pid] = (await victim.ask('who')).split(' ');
    victim.send('rogue bells 1\n');
    await until('the end of the rogue', () => !isRunning(Number(pid)));
    expect((await other.ask('who')).split(' ')[1]).toBe('1');
    expect((await victim.ask('who')).split(' ')).toEqual([expect.not.stringMatching(`^${pid}$`), '0']);
    for (const client of [victim, other]) client.close();
  },
);

test('a worker that writes over the words of all doorbells again and again, and lives, makes others slow and silences nobody', async () => {
  await using server = await startServer({}, {}, 'rogue');
  const victim = await clientOf(server.lines, 0, 'who');
  const other = await clientOf(server.lines, 1, 'who');
  const [before] = (await other.ask('who')).split(' ');
  const id = (await victim.ask('me')).split(' ')[0];
  expect(await victim.ask('rogue deafen')).toBe('deaf');
  for (let i = 0; i < 3; i++) {
    expect((await other.ask('who')).split(' ')).toEqual([before, '1']);
    expect(await other.ask('task pid')).toMatch(/^\d+$/);
    expect(await other.ask(`send ${id}`)).toBe('true');
    expect(await victim.line()).toBe('hello');
  }
  await server.program.printed(/has written over the doorbell of this one/);
  for (const client of [victim, other]) client.close();
});

const MODES: readonly Partial<ServerOptions>[] = isBase
  ? [{}]
  : [{}, { dispatchMode: 'least-busy' }, { dispatchMode: 'least-connections' }, { reactorNum: 1 }];

test.each(
  ['counters', 'high', 'connections'].flatMap((kind) => MODES.map((options) => [kind, options] as const)),
)(
  'a worker that writes over the %s leaves a server that serves those who come (%j)',
  async (kind, options) => {
    await using server = await startServer(options, {}, 'rogue');
    const victim = await TestClient.connect(server.lines);
    victim.send(`rogue ${kind} 7\n`);
    await server.program.printed(/all is written over/);
    // A client that holds much would be held up by a server that believes that all of them hold too much.
    const large = `${'x'.repeat(1 << 20)}\n`;
    for (let i = 0; i < 20; i++) {
      const client = await TestClient.connect(server.lines);
      client.send(i % 5 === 0 ? large : 'who\n');
      expect(await client.line()).toMatch(/^\d+ [01]$/);
      client.close();
    }
    expect(server.program.process.exitCode).toBeNull();
    victim.close();
  },
);

test('a worker that writes over the pids of the others has the master and the manager signal nobody else', async () => {
  await using server = await startServer({}, {}, 'rogue');
  const victim = await clientOf(server.lines, 0, 'who');
  const other = await clientOf(server.lines, 1, 'who');
  const [worker] = (await other.ask('who')).split(' ');
  const [master, manager] = (await other.ask('rogue ask master')).split(' ');
  expect([master, await other.ask('rogue ask manager')]).toEqual([
    String(server.program.pid),
    `${master} ${manager} ${worker}`,
  ]);
  expect(await victim.ask('rogue pids')).toBe('done');
  // The master knows that no child of the manager has that pid, and the manager knows its children.
  expect(await other.ask('rogue ask master')).toBe(`${master} ${manager} undefined`);
  expect(await other.ask('rogue ask manager')).toBe(`${master} ${manager} ${worker}`);
  for (const client of [victim, other]) client.close();
});

test.each([[{}], [{ maxWorkerNum: 5, maxTaskWorkerNum: 3 }]] as Partial<ServerOptions>[][])(
  'counters that a worker writes over are right again a second later, and the log says so (%j)',
  async (options) => {
    await using server = await startServer(options, {}, 'rogue');
    const victim = await TestClient.connect(server.lines);
    const clients = await Promise.all(Array.from({ length: 5 }, () => TestClient.connect(server.lines)));
    for (const client of clients) await client.ask('who');
    // Both workers are there: one that comes later finds what the manager has restored.
    for (const worker of [0, 1]) (await clientOf(server.lines, worker, 'who')).close();
    victim.send('rogue high 1\n');
    await server.program.printed(/all is written over/);
    await server.program.printed(/has written over \d+ counters of reactor 0/);
    await server.program.printed(/has written over \d+ counters of reactor 1/);
    const asked = clients[0] as TestClient;
    const sane = await until('counts of what there is', async () => {
      const stats = JSON.parse(await asked.ask('stats')) as ServerStats;
      const { connectionNum, acceptCount, sessionRound, clientMemory, dispatchCount, requestCount } = stats;
      const work = dispatchCount < 10_000 && requestCount < 10_000;
      return connectionNum === 6 && acceptCount < 100 && sessionRound < 100 && clientMemory < 1 << 20 && work;
    });
    expect(sane).toBe(true);
    for (const client of [victim, ...clients]) client.close();
  },
);

test('a worker that writes that places without a process have all the connections that there may be keeps nobody out', async () => {
  await using server = await startServer({ maxConnections: 1_000, maxWorkerNum: 5 }, {}, 'rogue');
  const victim = await TestClient.connect(server.lines);
  victim.send('rogue full 1000\n');
  await server.program.printed(/all is written over/);
  await until('a client that is served', async () => {
    const client = await TestClient.connect(server.lines);
    try {
      return /^\d+ [01]$/.test(await client.ask('who'));
    } catch {
      return false;
    } finally {
      client.close();
    }
  });
  victim.close();
});

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

test.skipIf(isBase).each(['bytes', 'value', 'all'])(
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
    await until('a line of the log', () =>
      /has sent a malformed control message/.test(server.program.output),
    );
    for (const client of [victim, other]) client.close();
  },
);

test('a worker that says to the manager what there is not, or with fields of wrong types, is not heeded, and nothing ends', async () => {
  await using server = await startServer({}, {}, 'rogue');
  const victim = await clientOf(server.lines, 0, 'who');
  const other = await clientOf(server.lines, 1, 'who');
  const before = server.program.children().map((child) => child.pid);
  const [pid] = (await victim.ask('who')).split(' ');
  expect(await victim.ask('rogue misspeak')).toBe('said');
  await server.program.printed(/of the unknown kind 'no such kind' is ignored/);
  await server.program.printed(/of the unknown kind '__proto__' is ignored/);
  await server.program.printed(/a control message without a kind is ignored/);
  for (const [kind, field] of [
    ['reload', 'options'],
    ['stopWorker', 'worker'],
    ['startFailed', 'failure'],
    ['terminated', 'pid'],
    ['linkCorrupt', 'peer'],
    // The last of all.
    ['leaseReleased', 'pid'],
  ])
    await server.program.printed(new RegExp(`of kind '${kind}' with a wrong '${field}' is ignored`));
  for (const to of ['1', 'manager', 'master'])
    expect(await victim.ask(`rogue mail ${to}`)).toBe(`heard ${to}`);
  expect((await victim.ask('who')).split(' ')[0]).toBe(pid);
  expect(server.program.children().map((child) => child.pid)).toEqual(before);
  for (const client of [victim, other]) client.close();
});

/** What goes by rings in base mode: what one worker, or a task worker, sends to a session of another worker. */
async function linksWork(port: number): Promise<void> {
  const clients = [await clientOf(port, 0, 'who'), await clientOf(port, 1, 'who')] as const;
  const ids = await Promise.all(clients.map(async (client) => (await client.ask('me')).split(' ')[0]));
  for (const [from, to] of [clients, [...clients].reverse() as unknown as typeof clients]) {
    const id = ids[clients.indexOf(to)];
    for (const how of ['send', 'task send']) {
      expect(await from.ask(`${how} ${id}`)).toBe('true');
      expect(await to.line()).toBe('hello');
    }
  }
  for (const client of clients) client.close();
}

describe.runIf(isBase)('in base mode', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({}, {}, 'rogue');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const own = ['link', 'heads', 'magic', 'length', 'kind', 'total', 'packet', 'short', 'all'];
  test.each(own.flatMap((kind) => SEEDS.map((seed) => [kind, seed] as const)))(
    'a worker that writes over its rings (%s, %i) is killed and replaced; others notice nothing, and the rings carry again',
    async (kind, seed) => {
      const victim = await clientOf(server.lines, 0, 'who');
      const other = await clientOf(server.lines, 1, 'who');
      const [pid] = (await victim.ask('who')).split(' ');
      const others = steadily(other);
      victim.send(`rogue ${kind} ${seed}\n`);
      await until('the end of the rogue', () => !isRunning(Number(pid)));
      await linksWork(server.lines);
      expect((await others.stop()).size).toBe(1);
      expect(server.program.output).toMatch(
        /holds what makes no sense|what comes from reactor 1 makes no sense/,
      );
      for (const client of [victim, other]) client.close();
    },
  );

  test.each(['length', 'magic', 'all', 'down'])(
    'a task worker that writes over its rings (%s) is killed and replaced, and sends to sessions again',
    async (kind) => {
      const client = await TestClient.connect(server.lines);
      const pid = Number(await client.ask('task pid'));
      const [id] = (await client.ask('me')).split(' ');
      // It has its rings open from when it has first sent something.
      expect([await client.ask(`task send ${id}`), await client.line()].sort()).toEqual(['hello', 'true']);
      client.send(`task ${kind} 1\n`);
      await until('the end of the rogue', () => !isRunning(pid));
      await client.line();
      await linksWork(server.lines);
      client.close();
    },
  );

  test.each(
    ['link.1', 'link.2', 'link.3', 'link.4'].flatMap((link) =>
      ['link', 'all', 'down', 'heads'].map((kind) => [link, kind] as const),
    ),
  )(
    'a worker that writes over another’s rings (%s, %s) costs processes below the manager, which are replaced, and nothing else',
    async (link, kind) => {
      const pids = () =>
        server.program.children().flatMap(({ pid, title }) => (title.endsWith(': manager') ? [pid] : []));
      const manager = pids();
      const victim = await clientOf(server.lines, 0, 'who');
      victim.send(`rogue ${kind} 5 ${link}\n`);
      await until('the links to carry again', () =>
        linksWork(server.lines).then(
          () => true,
          () => false,
        ),
      );
      expect(server.program.process.exitCode).toBeNull();
      expect(pids()).toEqual(manager);
      victim.close();
    },
  );
});
