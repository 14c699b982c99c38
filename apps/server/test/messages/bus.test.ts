import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redis } from '@millrace/task-bullmq/bus';
import { nats } from '@millrace/task-nats/bus';
import { type TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bus } from '../../src/index.js';
import { clientOf, pidOf, type RunningServer, startServer } from '../support.js';

interface Engine {
  readonly program: string;
  /** Prepares a place below `directory`; what starts it there, how it is seen to be there, and the bus over it. */
  readonly at: (directory: string) => Promise<{
    readonly args: readonly string[];
    readonly isThere: () => Promise<boolean>;
    readonly bus: Bus;
  }>;
}

const REDIS: Engine = {
  program: 'redis-server',
  at: async (directory) => {
    const socket = join(directory, 'redis.sock');
    return {
      args: ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''],
      isThere: async () => existsSync(socket) && (await answers({ path: socket })),
      bus: redis({ connection: socket }),
    };
  },
};
const NATS: Engine = {
  program: 'nats-server',
  at: async () => {
    const port = await freePort();
    return {
      args: ['-a', '127.0.0.1', '-p', String(port)],
      isThere: () => answers({ port, host: '127.0.0.1' }),
      bus: nats({ servers: `nats://127.0.0.1:${port}` }),
    };
  },
};

const asked = async (client: TestClient, line: string) => JSON.parse(await client.ask(line));

describe.each([REDIS, NATS])('over $program', ({ program, at }) => {
  const isHere = process.env.CI !== undefined || spawnSync(program, ['--version']).status === 0;
  if (!isHere) console.warn(`Skipped: ${program} is not installed (Debian: ${program}).`);
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bus-'));
  let place: Awaited<ReturnType<Engine['at']>>;
  let engine: ChildProcess | undefined;
  const servers: RunningServer[] = [];
  const clients: TestClient[] = [];

  const begin = async () => {
    engine = spawn(program, place.args, { stdio: 'ignore' });
    await until(`${program} to answer`, place.isThere);
  };
  const end = async () => {
    const ended = new Promise((resolve) => engine?.once('exit', resolve));
    engine?.kill('SIGKILL');
    await ended;
  };

  beforeAll(async () => {
    if (!isHere) return;
    place = await at(directory);
    await begin();
    for (let server = 0; server < 2; server++)
      servers.push(await startServer({ bus: place.bus, maxWaitTime: 60_000 }, {}, 'topics'));
    for (const { lines } of servers) clients.push(await clientOf(lines, 0, 'me'));
    for (const server of servers) await server.program.printed(/connected to the bus/);
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    for (const server of servers) await server[Symbol.asyncDispose]();
    if (engine?.exitCode === null) await end();
    rmSync(directory, { recursive: true, force: true });
  });

  const [here, there] = [() => clients[0] as TestClient, () => clients[1] as TestClient];
  const textsOf = async (client: TestClient, process: number | string, text: string) =>
    ((await asked(client, `texts ${process}`)) as string[]).filter((other) => other === text);

  /** Publishes until the other server hears it: a subscription is told to the bus a moment after it is made. */
  const publishUntilHeard = (text: string) =>
    until(`${text} to be heard elsewhere`, async () => {
      await asked(here(), `publish all ${text}`);
      return (await textsOf(there(), 0, text)).length > 0;
    });

  test.skipIf(!isHere)('what is published comes to every process of every server, and once', async () => {
    await publishUntilHeard('warm');
    await asked(here(), 'publish all to-all-servers');
    for (const client of clients)
      for (const process of [0, 1, 2, 3, 4, 'manager', 'master'])
        await until(`it in process ${process}`, async () => {
          return (await textsOf(client, process, 'to-all-servers')).length > 0;
        });
    // What comes twice would have come before this.
    await publishUntilHeard('behind-it');
    for (const client of clients)
      for (const process of [0, 3]) expect(await textsOf(client, process, 'to-all-servers')).toHaveLength(1);
    const { busPublishCount, busDroppedCount, publishCount } = await asked(here(), 'stats');
    expect(busPublishCount).toBe(publishCount);
    expect(busDroppedCount).toBe(0);
    expect((await asked(there(), 'stats')).busDeliverCount).toBeGreaterThan(0);
  });

  test.skipIf(!isHere)('what one process publishes comes to other servers in its order', async () => {
    const heard = async (from: string) =>
      new Map((await asked(there(), 'numbers')) as [string, number[]][]).get(from) ?? [];
    await until('the topic to be asked for', async () => {
      const { from } = await asked(here(), 'flood numbers -1 1 10');
      return (await heard(from)).length > 0;
    });
    const { from } = await asked(here(), 'flood numbers 0 500 10');
    const expected = Array.from({ length: 500 }, (_, number) => number);
    const numbers = await until('all of them', async () => {
      const all = (await heard(from)).filter((number) => number >= 0);
      return all.at(-1) === 499 ? all : undefined;
    });
    expect(numbers).toEqual(expected);
  });

  test.skipIf(!isHere)(
    'the process that holds the connection is replaced when it dies, and goes on',
    async () => {
      const [server] = servers as [RunningServer];
      const title = 'millrace: user process 1';
      const before = pidOf(server, title);
      process.kill(before as number, 'SIGKILL');
      await until('another one', () => ![before, undefined].includes(pidOf(server, title)));
      await publishUntilHeard('after-a-death');
      expect(await textsOf(here(), 0, 'after-a-death')).not.toHaveLength(0);
    },
  );

  test.skipIf(!isHere)(
    'while the bus is away each server goes on by itself, what waits is bounded, and it comes again',
    async () => {
      const away = /the bus is away/g;
      await end();
      await until('both to tell it', () => servers.every((server) => server.program.count(away) > 0));
      await asked(here(), 'publish all by-itself');
      await until(
        'its own processes to hear',
        async () => (await textsOf(here(), 1, 'by-itself')).length > 0,
      );
      // Four times as much as waits for the bus, and a half of what waits for a process each time.
      for (let round = 0; round < 8; round++) await asked(here(), `flood nobody ${round * 32} 32 16384`);
      await until('what is too much to be dropped', async () => {
        return (await asked(here(), 'stats')).busDroppedCount > 0;
      });
      await begin();
      await until('both to be there again', async () => {
        const counts = await Promise.all(clients.map(async (client) => asked(client, 'stats')));
        return counts.every(({ busReconnectCount }) => busReconnectCount === 1);
      });
      await publishUntilHeard('there-again');
      for (const server of servers) expect(server.program.count(away)).toBe(1);
    },
  );
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}

function answers(to: { readonly path: string } | { readonly port: number; readonly host: string }) {
  return new Promise<boolean>((resolve) => {
    const socket = connect(to);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
