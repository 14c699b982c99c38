import { type TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientOf, pidOf, type RunningServer, startServer } from '../support.js';

let server: RunningServer;
beforeAll(async () => {
  // A worker that ends by a signal would be waited for that long, if anything had to wait.
  server = await startServer({ maxWorkerNum: 4, maxWaitTime: 120_000 }, {}, 'topics');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const TASK_WORKER = 3;
const USER_PROCESS = 4;
/** The worker that comes by scaling. */
const ADDED = 5;
const EVERYWHERE = [0, 1, 2, TASK_WORKER, USER_PROCESS, 'manager', 'master'];

const asked = async (client: TestClient, line: string) => JSON.parse(await client.ask(line));

/** Waits until the subscribers of a process have got it. */
const heard = (client: TestClient, process: number | string, text: string) =>
  until(`${text} in process ${process}`, async () =>
    ((await asked(client, `texts ${process}`)) as string[]).includes(text),
  );

async function withClientsOf(
  workers: readonly number[],
  body: (clients: [TestClient, ...TestClient[]]) => Promise<void>,
): Promise<void> {
  const clients = await Promise.all(workers.map((worker) => clientOf(server.lines, worker, 'me')));
  try {
    await body(clients as [TestClient, ...TestClient[]]);
  } finally {
    for (const client of clients) client.close();
  }
}

const withClientOf = (worker: number, body: (client: TestClient) => Promise<void>) =>
  withClientsOf([worker], ([client]) => body(client));

test('what a process publishes comes to the subscribers of every process, its own among them', () =>
  withClientOf(0, async (client) => {
    expect(await asked(client, 'publish all hello')).toBe(true);
    for (const process of EVERYWHERE) await heard(client, process, 'hello');
    const texts = (await asked(client, 'texts 1')) as string[];
    expect(texts.filter((text) => text === 'hello')).toHaveLength(1);
    expect(server.program.output).toContain('before start: ERR_MILLRACE_NOT_RUNNING');
  }));

test('task workers publish, by the import of programs, and user processes publish what they were told to', () =>
  withClientOf(1, async (client) => {
    expect(await asked(client, 'task all of-a-task')).toBe(true);
    for (const process of EVERYWHERE) await heard(client, process, 'of-a-task');
    expect(await asked(client, 'publish to_the_user_process well')).toBe(true);
    for (const worker of [0, 1, 2]) await heard(client, worker, 'well!');
    // It does not subscribe to that.
    expect(await asked(client, `texts ${TASK_WORKER}`)).not.toContain('well!');
  }));

test('what a process publishes comes in its order, and is counted', () =>
  withClientOf(0, async (client) => {
    const before = await asked(client, 'stats');
    const { dropped, from } = await asked(client, 'flood numbers 0 3000 10');
    expect(dropped).toBe(0);
    const expected = Array.from({ length: 3_000 }, (_, number) => number);
    for (const worker of [0, 1, 2])
      await withClientOf(worker, async (other) => {
        const numbers = await until(`all of them in worker ${worker}`, async () => {
          const all = new Map((await asked(other, 'numbers')) as [string, number[]][]);
          const own = all.get(from as string) ?? [];
          return own.at(-1) === 2_999 ? own : undefined;
        });
        expect(numbers).toEqual(expected);
      });
    const after = await asked(client, 'stats');
    expect(after.publishCount - before.publishCount).toBe(3_000);
    expect(after.deliverCount - before.deliverCount).toBe(9_000);
    expect(after.droppedPublications).toBe(before.droppedPublications);
  }));

test('a subscriber that closes its subscription gets nothing more', () =>
  withClientOf(2, async (client) => {
    expect(await asked(client, 'once')).toBe('once');
    await asked(client, 'publish once first-time');
    await heard(client, 2, 'first-time');
    await asked(client, 'publish once second-time');
    await asked(client, 'publish all behind-it');
    await heard(client, 2, 'behind-it');
    expect(await asked(client, 'texts')).not.toContain('second-time');
  }));

test('a subscriber that fails is logged, and the others of its process go on', () =>
  withClientOf(0, async (client) => {
    await asked(client, 'publish fails 1');
    await server.program.printed(/a subscriber has failed/);
    await asked(client, 'publish all after-a-failure');
    await heard(client, 0, 'after-a-failure');
  }));

test('what cannot be published or subscribed to is an error that says what can', () =>
  withClientOf(0, async (client) => {
    const thrown = (what: string) => asked(client, `throw ${what}`);
    const topic = (message: string) => ({
      code: 'ERR_MILLRACE_TOPIC',
      message: expect.stringContaining(message),
    });
    expect(await thrown('empty')).toMatchObject(topic('"" of 0 bytes is no topic'));
    expect(await thrown('pattern')).toMatchObject(topic("without '*'"));
    expect(await thrown('long')).toMatchObject(topic('of 256 bytes is no topic'));
    expect(await thrown('half')).toMatchObject(topic('is no topic'));
    expect(await thrown('large')).toMatchObject({
      code: 'ERR_MILLRACE_PUBLICATION_SIZE',
      message: expect.stringContaining('the limit is 262144'),
    });
    expect(await thrown('unsendable')).toMatchObject({ code: 'ERR_MILLRACE_UNSENDABLE' });
    expect(await thrown('handler')).toMatchObject({ code: 'ERR_MILLRACE_OPTION' });
  }));

test('the process that replaces a dead one subscribes for itself, and gets what is published from then on', () =>
  withClientOf(0, async (client) => {
    const before = workerPid(2);
    process.kill(before as number, 'SIGKILL');
    await replaced(2, before);
    await until('what was published after the death', async () => {
      await asked(client, 'publish all after-a-death');
      return ((await asked(client, 'texts 2')) as string[]).includes('after-a-death');
    });
  }));

test('a worker that comes by scaling gets what is published, and one that has gone costs nothing', () =>
  withClientsOf([0, 1, 2], async ([client, ...others]) => {
    await asked(client, 'scale 4');
    await until('the fourth worker', async () => {
      await asked(client, 'publish all to-more-workers');
      const texts = await asked(client, `texts ${ADDED}`);
      return Array.isArray(texts) && texts.includes('to-more-workers');
    });
    await asked(client, 'scale 3');
    await until('no fourth worker', () => workerPid(3) === undefined);
    const { droppedPublications } = await asked(client, 'stats');
    // More than what waits for a process that does not read.
    for (let round = 0; round < 8; round++) await flood(client, others);
    expect((await asked(client, 'stats')).droppedPublications).toBe(droppedPublications);
  }));

test('a process that stands still is dropped for and counted, and costs the others neither messages nor time', () =>
  withClientsOf([0, 2], async ([client, other = client]) => {
    const stopped = workerPid(1) as number;
    const before = await asked(client, 'stats');
    process.kill(stopped, 'SIGSTOP');
    let dropped = 0;
    for (let round = 0; round < 8; round++) dropped += await flood(client, [other]);
    expect(dropped).toBeGreaterThan(0);
    const after = await asked(client, 'stats');
    expect(after.droppedPublications - before.droppedPublications).toBe(dropped);
    // The worker that has published to it ends: nothing waits for what it has published.
    const publisher = workerPid(0);
    process.kill(publisher as number, 'SIGTERM');
    await replaced(0, publisher);
    process.kill(stopped, 'SIGCONT');
    await until('the one that stood still', async () => {
      await asked(other, 'publish all it-goes-on');
      return ((await asked(other, 'texts 1')) as string[]).includes('it-goes-on');
    });
  }));

const workerPid = (worker: number) => pidOf(server, `millrace: worker ${worker}`);

const replaced = (worker: number, before: number | undefined) =>
  until(`another worker ${worker}`, () => {
    const pid = workerPid(worker);
    return pid !== undefined && pid !== before;
  });

let next = 0;

/** Publishes half of what may wait for a process, and waits until the workers of `others` have all of it; returns for how many some process was left out. */
async function flood(client: TestClient, others: readonly TestClient[]): Promise<number> {
  const first = next;
  next += 32;
  const { dropped, from } = await asked(client, `flood numbers ${first} 32 16384`);
  const expected = Array.from({ length: 32 }, (_, index) => first + index);
  for (const other of others)
    await until('all of them in another worker', async () => {
      const all = new Map((await asked(other, 'numbers')) as [string, number[]][]);
      const last = (all.get(from as string) ?? []).slice(-32);
      return JSON.stringify(last) === JSON.stringify(expected);
    });
  return dropped as number;
}
