import { createHash, randomBytes } from 'node:crypto';
import { echoLoad, TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, pidOf, type RunningServer, startServer } from '../support.js';

describe('a running server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  test('echoes lines through a worker', async () => {
    const client = await TestClient.connect(server.lines);
    expect(await client.ask('hello')).toBe('hello');
    client.close();
  });

  test('answers a task with the result of a task worker', async () => {
    const client = await TestClient.connect(server.lines);
    expect(await client.ask('count one two  three')).toBe('3');
    expect(Number(await client.ask('task-pid'))).toBe(pidOf(server, 'millrace: task worker 0'));
    client.close();
  });

  test('echoes frames of every length on its second listener', async () => {
    const client = await TestClient.connect(server.frames);
    for (const length of [0, 1, 100, 65_535, 65_536, 262_144, 999_000]) {
      const frame = Buffer.alloc(4 + length, length % 250);
      frame.writeUInt32BE(length);
      client.send(frame);
      expect((await client.take(frame.length)).equals(frame)).toBe(true);
    }
    client.close();
  });

  test('keeps a client with one worker, and spreads clients over all of them', async () => {
    for (const worker of [0, 1]) {
      const client = await clientOf(server.lines, worker);
      const [first, second] = [await client.ask('pid'), await client.ask('pid')];
      expect(second).toBe(first);
      const [, id, address] = first.split(' ');
      expect(id).toBe(String(worker));
      expect(address).toBe(`127.0.0.1:${client.socket.localPort}`);
      client.close();
    }
  });

  test('runs timers in a worker: tick, after and clear', async () => {
    const client = await TestClient.connect(server.lines);
    client.send('tick\n');
    for (const expected of ['tick 1', 'tick 2', 'tick 3']) expect(await client.line()).toBe(expected);
    await until('the tick to be cleared', () => client.received.includes('cleared true false'));
    client.close();
  });

  test('answers a client that has ended its sending, then closes', async () => {
    const client = await TestClient.connect(server.lines);
    client.send('sleep 50\ncount a b\n');
    client.finish();
    await client.serverClosed();
    expect(client.received.toString().split('\n').sort()).toEqual(['', '2', 'slept 50']);
  });

  test('sends what was sent before close, then closes, and says so in the close event', async () => {
    const client = await TestClient.connect(server.lines);
    expect(await client.ask('bye')).toBe('bye');
    await client.serverClosed();
    await server.program.printed(/event close \d+ true server/);
  });

  test.each(['throw', 'reject'])(
    'a handler that fails (%s) costs its own session, and no other, nor the worker',
    async (how) => {
      const [bad, good] = await Promise.all([
        TestClient.connect(server.lines),
        TestClient.connect(server.lines),
      ]);
      const before = await good.ask('pid');
      bad.send(`${how}\n`);
      await bad.serverClosed();
      await server.program.printed(new RegExp(`a handler that ${how}s`));
      expect(await good.ask('pid')).toBe(before);
      good.close();
    },
  );

  test('a handler that sends on and on is stopped by an error, and costs its own session alone', async () => {
    const [bad, good] = await Promise.all([
      TestClient.connect(server.lines),
      TestClient.connect(server.lines),
    ]);
    const before = await good.ask('pid');
    bad.socket.pause();
    bad.send('overflow\n');
    await server.program.printed(/ERR_MILLRACE_SESSION_FULL/);
    bad.socket.resume();
    await bad.serverClosed();
    expect(await good.ask('pid')).toBe(before);
    expect(server.program.output).not.toMatch(/event workerError/);
    good.close();
  });

  test('an answer to a client that has gone meanwhile harms nobody', async () => {
    const gone = await TestClient.connect(server.lines);
    gone.send('sleep 300\nhere\n');
    expect(await gone.line()).toBe('here');
    gone.socket.resetAndDestroy();
    const client = await TestClient.connect(server.lines);
    // Behind it in the only task worker: when this is back, the other's answer has been and gone.
    expect(await client.ask('sleep 1')).toBe('slept 1');
    expect(server.program.output).not.toMatch(/workerError/);
    client.close();
  });

  test('an error of a task reaches its caller as what it was', async () => {
    const client = await TestClient.connect(server.lines);
    expect(JSON.parse(await client.ask('fail no luck'))).toEqual({
      name: 'RangeError',
      message: 'no luck',
      code: 'ERR_OF_THE_TASK',
      isTaskError: false,
    });
    client.close();
  });

  test('a late result never answers the next task', async () => {
    const client = await TestClient.connect(server.lines);
    expect(JSON.parse(await client.ask('impatient 100'))).toMatchObject({
      code: 'ERR_MILLRACE_TASK_TIMEOUT',
    });
    expect(await client.ask('count a b c d')).toBe('4');
    client.close();
  });

  test('a client that does not read stops being read from, and gets everything once it does', async () => {
    const client = await TestClient.connect(server.lines);
    client.socket.pause();
    client.send('flood 5000\n');
    client.send('after the flood\n');
    const other = await TestClient.connect(server.lines);
    for (let i = 0; i < 50; i++) expect(await other.ask(`while it floods ${i}`)).toBe(`while it floods ${i}`);
    client.socket.resume();
    const everything = (await client.take(5_000_000 + 'after the flood\n'.length)).toString().split('\n');
    expect(everything.filter((line) => line === 'f'.repeat(999))).toHaveLength(5_000);
    expect(everything.filter((line) => line === 'after the flood')).toHaveLength(1);
    other.close();
    client.close();
  });

  test.each([1, 16])('loses no message of 50 clients that keep %i under way', async (depth) => {
    const result = await echoLoad({ port: server.lines, connections: 50, depth }, () =>
      countTo(server, 20_000),
    );
    expect(result).toMatchObject({ lost: 0, wrong: [], closed: 0 });
    expect(result.answered).toBeGreaterThan(0);
  });
});

test('large messages and results that a worker keeps stay as they came, whatever comes after them', async () => {
  await using server = await startServer({}, {}, 'keeping');
  const clients = await Promise.all([0, 1].map(() => TestClient.connect(server.lines)));
  // Alike one after the other, then others; some behind one another.
  const bodies = [65_536, 65_536, 65_536, 20_000, 100_000, 300_000, 300_000, 40, 65_536].map((length) =>
    randomBytes(length),
  );
  const frames = bodies.map((body) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    return Buffer.concat([head, body]);
  });
  for (const [index, frame] of frames.entries()) {
    const client = clients[index % 2] as TestClient;
    const sent = Buffer.concat(index % 3 === 2 ? [frame, frame] : [frame]);
    client.send(sent);
    expect((await client.take(sent.length)).equals(sent)).toBe(true);
  }
  const asking = clients[0] as TestClient;
  asking.send(Buffer.alloc(4));
  await until('the digests', () => asking.received.subarray(-2).equals(Buffer.from('\n\n')));
  const digests = asking.received.toString().trim().split('\n');
  const digest = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');
  const times = (index: number) => (index % 3 === 2 ? 2 : 1);
  const expected = frames.flatMap((frame, index) =>
    Array.from({ length: times(index) }, () => [digest(frame), digest(bodies[index] as Buffer)]).flat(),
  );
  expect(digests.sort()).toEqual(expected.sort());
  for (const client of clients) client.close();
});

/** Keeps a load going until one more client has had this many answers. */
async function countTo(server: RunningServer, answers: number): Promise<void> {
  const client = await TestClient.connect(server.lines);
  for (let done = 0; done < answers; done += 1_000) {
    client.send('n\n'.repeat(1_000));
    await client.take(2_000);
  }
  client.close();
}
