import { connect, type Socket } from 'node:net';
import { until, within } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import type { Member, MemberSpec, ProcessPool } from '../../src/index.js';
import { fixture, member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

const listen = { host: '127.0.0.1', port: 0 };
const worker = (name: string, more: Partial<MemberSpec> = {}) =>
  member(name, { entry: fixture('serves'), ...more });

function frame(text: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([header, Buffer.from(text)]);
}

interface Client {
  readonly socket: Socket;
  /** What has come back when the connection is over; an error that broke it is its `code`. */
  readonly answer: Promise<string>;
}

const clients: Socket[] = [];
afterEach(() => {
  for (const socket of clients.splice(0)) socket.destroy();
});

/** A client that is connected, and has not asked. */
async function client(pool: ProcessPool): Promise<Client> {
  const socket = connect(pool.address as { host: string; port: number });
  clients.push(socket);
  const parts: Buffer[] = [];
  let failed = '';
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failed = String(error.code);
  });
  const answer = new Promise<string>((resolve) => {
    socket.on('close', () => resolve(failed || Buffer.concat(parts).subarray(4).toString()));
  });
  await within('a connection', new Promise((resolve) => socket.once('connect', resolve)));
  return { socket, answer: within('an answer', answer) };
}

async function ask(pool: ProcessPool, text: string): Promise<string> {
  const { socket, answer } = await client(pool);
  socket.write(frame(text));
  return answer;
}

interface Taken {
  readonly took: string;
  readonly pid: number;
}

const pidOf = (member: Member | undefined) => member?.pid as number;

test('clients that came while one member alone was there belong to whoever is idle when they ask', async () => {
  const { pool, messages } = watch([worker('a'), worker('b')], { listen });
  await pool.start();
  const [, b] = pool.members as [Member, Member];
  b.kill('SIGSTOP');
  const pair = await Promise.all([client(pool), client(pool)]);
  // Whatever takes clients in does so before it answers one that came later.
  expect(await ask(pool, 'later')).toBe('later');
  b.kill('SIGCONT');
  for (const [i, { socket }] of pair.entries()) socket.write(frame(`hold ${i}`));
  await until('both to be worked on at once', () => messages.length === 3);
  const pids = (messages as Taken[]).slice(1).map(({ pid }) => pid);
  expect(new Set(pids)).toEqual(new Set(pool.members.map(pidOf)));
  for (const member of pool.members) member.send('go');
  expect(await Promise.all(pair.map(({ answer }) => answer))).toEqual(['hold 0', 'hold 1']);
});

test('a reload resets nobody: who is connected, has sent half, or waits for a member is answered by those that come', async () => {
  const { pool, messages } = watch([worker('a', { drainTimeout: 20_000 })], { listen });
  await pool.start();
  const [silent, half, waiting] = await Promise.all([client(pool), client(pool), client(pool)]);
  half.socket.write(frame('half of it').subarray(0, 9));
  // Whatever takes clients in does so before it answers one that came later.
  expect(await ask(pool, 'later')).toBe('later');
  const held = await client(pool);
  held.socket.write(frame('hold'));
  await until('a request to be worked on', () => messages.length === 2);
  waiting.socket.write(frame('waiting'));
  const before = pidOf(pool.members[0]);
  const reload = pool.reload();
  expect(await waiting.answer).toBe('waiting');
  half.socket.write(frame('half of it').subarray(9));
  silent.socket.write(frame('silent'));
  expect(await Promise.all([half.answer, silent.answer])).toEqual(['half of it', 'silent']);
  process.kill(before, 0);
  expect(pidOf(pool.members[0])).not.toBe(before);
  pool.members[0]?.sendAll('go');
  expect(await held.answer).toBe('hold');
  expect(await reload).toMatchObject({ outcome: 'reloaded' });
});

test('many clients are all answered while members are reloaded over and over, and replace themselves after few jobs', async () => {
  const members = ['a', 'b', 'c'].map((name) => worker(name, { maxJobs: 7 }));
  const { pool } = watch(members, { listen });
  await pool.start();
  const reloads = (async () => {
    for (let i = 0; i < 4; i++)
      expect(await pool.reload({ allAtOnce: i % 2 === 0 })).toMatchObject({ outcome: 'reloaded' });
    return 'over';
  })();
  let over: unknown;
  const crowd = Array.from({ length: 8 }, async (_, i) => {
    for (let n = 0; over === undefined || n < 20; n++) {
      const text = `client ${i}, request ${n}`;
      expect(await ask(pool, text)).toBe(text);
    }
  });
  await Promise.all([
    ...crowd,
    reloads.finally(() => {
      over = true;
    }),
  ]);
});

test('a process that detaches answers the client that it has, takes no other, and has its own time', async () => {
  const { pool, messages, exits } = watch([worker('a', { drainTimeout: 1 })], { listen, bus: true });
  await pool.start();
  const before = pidOf(pool.members[0]);
  const detaching = await client(pool);
  detaching.socket.write(frame('detach'));
  await until('the other process', () => pool.members[0]?.isUp && pidOf(pool.members[0]) !== before);
  // The one that leaves is still there, and long past its drainTimeout; all of these go to the other.
  const others = await Promise.all(['one', 'two', 'three'].map((text) => ask(pool, text)));
  expect(others).toEqual(['one', 'two', 'three']);
  expect((messages as Taken[]).slice(1).map(({ pid }) => pid)).not.toContain(before);
  expect(await pool.reload()).toMatchObject({ outcome: 'reloaded', replaced: 1 });
  process.kill(before, 0);
  pool.members[0]?.sendAll('go');
  expect(await detaching.answer).toBe('detach');
  await until('its end', () => exits.some(({ exit }) => exit.pid === before));
  expect(exits.find(({ exit }) => exit.pid === before)).toMatchObject({ exit: { code: 0, replaced: true } });
});

test('a detached process that takes longer than its detachTimeout is killed, and its end says so', async () => {
  const { pool, exits } = watch([worker('a', { detachTimeout: 50 })], { listen });
  await pool.start();
  expect(await ask(pool, 'detach')).toBe('');
  await until('its end', () => exits.length === 1);
  expect(exits).toMatchObject([
    { exit: { signal: 'SIGKILL', error: { message: expect.stringContaining('(detachTimeout)') } } },
  ]);
});

test('a process that detaches while its replacement starts is followed by that one', async () => {
  const { pool, messages, ready } = watch([worker('a')], { listen });
  await pool.start();
  const before = pidOf(pool.members[0]);
  const reload = pool.reload();
  const detaching = await client(pool);
  detaching.socket.write(frame('detach'));
  await until('the detaching', () => (messages as Taken[]).some(({ took }) => took === 'detach'));
  expect(await ask(pool, 'next')).toBe('next');
  expect(await reload).toMatchObject({ outcome: 'reloaded' });
  expect((messages as Taken[]).find(({ took }) => took === 'next')?.pid).not.toBe(before);
  expect(ready).toHaveLength(2);
  pool.members[0]?.sendAll('go');
  expect(await detaching.answer).toBe('detach');
});

test('a killed process loses the client it was working for, and no other', async () => {
  const { pool, messages } = watch([worker('a')], { listen });
  await pool.start();
  const silent = await client(pool);
  expect(await ask(pool, 'later')).toBe('later');
  const held = await client(pool);
  held.socket.write(frame('hold'));
  await until('a request to be worked on', () => messages.length === 2);
  const waiting = Array.from({ length: 20 }, (_, i) => ask(pool, `waiting ${i}`));
  expect(await Promise.race([...waiting, Promise.resolve('none')])).toBe('none');
  pool.members[0]?.kill('SIGKILL');
  expect(await held.answer).toBe('');
  expect(await Promise.all(waiting)).toEqual(Array.from({ length: 20 }, (_, i) => `waiting ${i}`));
  silent.socket.write(frame('silent'));
  expect(await silent.answer).toBe('silent');
});

test('requests of every size arrive whole, also more of them than the kernel queues while nobody takes any', async () => {
  const { pool, messages } = watch([worker('a')], { listen });
  await pool.start();
  const held = ask(pool, 'hold');
  await until('the member to be busy', () => messages.length === 1);
  const sizes = [0, 1, 16_383, 16_384, 16_385, 300_000, 1_000_000, ...Array(40).fill(16_000)];
  const answers = Promise.all(
    sizes.map(async (size, i) => (await ask(pool, String(i).padEnd(size, 'x').slice(0, size))).length),
  );
  pool.members[0]?.send('go');
  expect(await held).toBe('hold');
  expect(await answers).toEqual(sizes);
});

test('what a member is sent over the bus after it has detached is for the process that follows', async () => {
  const { pool, messages } = watch([worker('a'), worker('b')], { listen, bus: true });
  await pool.start();
  const names = new Map(pool.members.map((member) => [pidOf(member), member]));
  const detaching = await client(pool);
  detaching.socket.write(frame('detach'));
  const [{ pid }] = (await until('the detaching', () => messages.length > 0 && messages)) as [Taken];
  const one = names.get(pid) as Member;
  expect(await ask(pool, `tell ${one.name}`)).toBe(`tell ${one.name}`);
  const told = await until('the message', () => (messages as Taken[]).find(({ took }) => took === 'told'));
  expect(told?.pid).toBe(one.pid);
  one.sendAll('go');
  expect(await detaching.answer).toBe('detach');
});

test('a pool that stops closes those whom no member has taken, at once, and answers those it works for', async () => {
  const { pool, messages } = watch([worker('a')], { listen });
  await pool.start();
  const held = await client(pool);
  held.socket.write(frame('hold'));
  await until('a request to be worked on', () => messages.length === 1);
  const silent = await client(pool);
  const stopped = pool.stop({ timeout: 20_000 });
  expect(['', 'ECONNRESET']).toContain(await silent.answer);
  pool.members[0]?.send('go');
  expect(await held.answer).toBe('hold');
  await stopped;
});
