import { redis } from '@millrace/task-bullmq/bus';
import { nats } from '@millrace/task-nats/bus';
import { type TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bus } from '../../src/index.js';
import { type EngineKind, TestEngine, whyNot } from '../engines.js';
import { clientOf, logIsFull, pidOf, type RunningServer, startServer } from '../support.js';

const busOver = ({ kind, place }: TestEngine): Bus =>
  kind === 'redis' ? redis({ connection: place }) : nats({ servers: place });

const asked = async (client: TestClient, line: string) => JSON.parse(await client.ask(line));

describe.each<EngineKind>(['redis', 'nats'])('over %s', (kind) => {
  const reason = logIsFull ? 'It waits for what a line of the log says.' : whyNot(kind);
  const isHere = reason === undefined;
  if (!isHere) console.warn(reason);
  let engine: TestEngine;
  const servers: RunningServer[] = [];
  const clients: TestClient[] = [];

  beforeAll(async () => {
    if (!isHere) return;
    engine = await TestEngine.plan(kind);
    await engine.start();
    for (let server = 0; server < 2; server++)
      servers.push(await startServer({ bus: busOver(engine), maxWaitTime: 60_000 }, {}, 'topics'));
    for (const { lines } of servers) clients.push(await clientOf(lines, 0, 'me'));
    for (const server of servers) await server.program.printed(/connected to the bus/);
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    for (const server of servers) await server[Symbol.asyncDispose]();
    await engine?.remove();
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
      const title = 'millrace: bus';
      const before = pidOf(server, title);
      process.kill(before as number, 'SIGKILL');
      await until('another one', () => ![before, undefined].includes(pidOf(server, title)));
      await publishUntilHeard('after-a-death');
      expect(await textsOf(here(), 0, 'after-a-death')).not.toHaveLength(0);
    },
  );

  test.skipIf(!isHere)(
    'while the process that holds the connection stands still, so much waits for it as may, and it goes on',
    async () => {
      const [server] = servers as [RunningServer];
      const pid = pidOf(server, 'millrace: bus') as number;
      const { droppedPublications: before } = await asked(here(), 'stats');
      process.kill(pid, 'SIGSTOP');
      try {
        // Eight times as much as may wait.
        for (let round = 0; round < 16; round++) await asked(here(), `flood nobody ${round * 32} 32 16384`);
        await until('what is too much to be dropped', async () => {
          return (await asked(here(), 'stats')).droppedPublications > before + 256;
        });
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await publishUntilHeard('moves-again');
    },
  );

  test.skipIf(!isHere)(
    'while the bus is away each server goes on by itself, what waits is bounded, and it comes again',
    async () => {
      const away = /the bus is away/g;
      await engine.kill();
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
      await engine.start();
      await until('both to be there again', async () => {
        const counts = await Promise.all(clients.map(async (client) => asked(client, 'stats')));
        return counts.every(({ busReconnectCount }) => busReconnectCount === 1);
      });
      await publishUntilHeard('there-again');
      for (const server of servers) expect(server.program.count(away)).toBe(1);
    },
  );
});
