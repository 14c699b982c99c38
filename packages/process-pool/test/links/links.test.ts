import { readdirSync } from 'node:fs';
import { msgpackCodec } from '@millrace/channel';
import { MappedMemory } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';
import { until } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import {
  closeDescriptors,
  type Descriptors,
  findIn,
  LaterEnd,
  type LinkEnd,
  Links,
  type PeerLinks,
} from '../../src/links.js';
import { fixture, member, stopPoolsAfterEach, type Watched, watch } from '../support.js';
import { planOf } from './plan.js';

stopPoolsAfterEach();

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

/** Makes all of a plan, until the end of the test. */
function made(links: Links): Descriptors {
  const descriptors = links.create();
  closing.push(() => closeDescriptors(descriptors));
  return descriptors;
}

function opened(links: Links, group: string, peer: number, descriptors: Descriptors): PeerLinks {
  const mine = links.open(group, peer, findIn(descriptors));
  closing.push(() => mine.close());
  return mine;
}

/** A peer's ends of the links `jobs`, in this process. */
function endsOf(
  mine: PeerLinks,
  kind: 'ring' | 'pipe',
  onCorrupt?: (other: number, error: Error) => void,
): LinkEnd<unknown>[] {
  const listener = kind === 'ring' ? mine.listen() : undefined;
  const ends = mine.ends<unknown>('jobs', (other) => ({
    codec: msgpackCodec(),
    listener,
    borrowed: true,
    ...(onCorrupt && { onCorrupt: (error) => onCorrupt(other, error) }),
  }));
  closing.push(() => {
    for (const { channel } of ends) channel.destroy();
    listener?.close();
  });
  return ends;
}

const linesOf = (path: string) => readdirSync(path).length;

describe.each(['ring', 'pipe'] as const)('links of the kind %s', (kind) => {
  const links = new Links(planOf(kind));

  test('both sides, each by its own end, get all that the other sends, in order and of any size', async () => {
    const descriptors = made(links);
    const parents = [0, 1].map((peer) => endsOf(opened(links, 'parent', peer, descriptors), kind));
    const workers = [0, 1].map((peer) => endsOf(opened(links, 'worker', peer, descriptors), kind));
    const got: Record<string, unknown[]> = {};
    for (const [group, sides] of Object.entries({ parents, workers })) {
      for (const [own, ends] of sides.entries()) {
        for (const [other, end] of ends.entries()) {
          const arrived: unknown[] = [];
          got[`${group} ${own} ${other}`] = arrived;
          end.channel.on('message', (value) => arrived.push(value));
          // More than a ring holds.
          for (const text of ['a', 'b'.repeat(100_000), 'c'])
            end.channel.send(`${group} ${own} ${other} ${text}`);
        }
      }
    }
    await until('all of them', () => Object.values(got).every(({ length }) => length === 3));
    for (const own of [0, 1]) {
      for (const other of [0, 1]) {
        const sent = (from: string) => ['a', 'b'.repeat(100_000), 'c'].map((text) => `${from} ${text}`);
        expect(got[`workers ${own} ${other}`]).toEqual(sent(`parents ${other} ${own}`));
        expect(got[`parents ${own} ${other}`]).toEqual(sent(`workers ${other} ${own}`));
      }
    }
  });

  test('a peer is handed what it needs, and nothing of the others', () => {
    const all = Object.keys(made(links));
    const jobs =
      kind === 'ring' ? ['jobs.1', 'parent.0.bell', 'parent.1.bell'] : ['jobs.0.1.to', 'jobs.1.1.to'];
    const bells = kind === 'ring' ? ['doorbells', 'worker.1.bell'] : [];
    const rest = ['board', 'extras.1.0.from', 'extras.1.1.from', 'inbox.0.write', 'inbox.1.read'];
    const names = links.descriptorsOf('worker', 1);
    expect([...names].sort()).toEqual([...jobs, ...bells, ...rest].sort());
    expect(all).toEqual(expect.arrayContaining(names));
  });

  /** Worker 1 in a process of its own, and parent 0 here. */
  function withChild(onExit: () => void = () => {}) {
    const descriptors = made(links);
    const corrupt: string[] = [];
    const parent = opened(links, 'parent', 0, descriptors);
    const [, end] = endsOf(parent, kind, (other, { message }) => corrupt.push(`${other}: ${message}`));
    const answers: unknown[] = [];
    (end as LinkEnd<unknown>).channel.on('message', (value) => answers.push(value));
    const handed = links.handedTo('worker', 1, descriptors);
    const restart = { backOff: 1, maxBackOff: 1 };
    const spec = { entry: fixture('linked'), data: { kind, worker: 1 }, descriptors: handed, restart };
    const watched: Watched = watch([member('worker 1', spec)], {}, { onExit });
    return { ...watched, end: end as LinkEnd<unknown>, answers, corrupt, restart };
  }

  test('what a killed process had not read is read by its successor, and answered', async () => {
    const { pool, end, answers } = withChild();
    await pool.start();
    end.channel.send('first');
    await until('an answer', () => answers.length === 1);
    const [worker] = pool.members;
    worker?.kill('SIGSTOP');
    for (let i = 0; i < 50; i++) end.channel.send(i);
    await end.channel.drained();
    worker?.kill('SIGKILL');
    await until('the answers of the next', () => answers.length === 51);
    expect(answers).toEqual([
      { value: 'first', incarnation: 1 },
      ...Array.from({ length: 50 }, (_, value) => ({ value, incarnation: 2 })),
    ]);
  });

  test('a process that writes over a link is told of, and its successor goes on once the link is emptied', async () => {
    let ended = () => {};
    const { pool, end, answers, corrupt } = withChild(() => ended());
    await pool.start();
    ended = () => end.reset();
    end.channel.send('scribble');
    await until('word of it', () => corrupt.length > 0);
    expect(end.corrupt).toBe(true);
    end.channel.send('meanwhile');
    pool.members[0]?.kill('SIGKILL');
    await until('the answer of the next', () => answers.length > 0);
    expect(end.corrupt).toBe(false);
    expect(answers).toEqual([{ value: 'meanwhile', incarnation: 2 }]);
    expect(corrupt).toEqual([expect.stringMatching(/^1: /)]);
  });

  test('what is sent before the end is there goes first', async () => {
    const descriptors = made(links);
    const later = new LaterEnd<unknown>();
    const answers: unknown[] = [];
    later.on('message', (value) => answers.push(value));
    later.send(1);
    later.send(2);
    const [worker] = endsOf(opened(links, 'worker', 0, descriptors), kind) as [LinkEnd<unknown>];
    worker.channel.on('message', (value) => worker.channel.send(value));
    const [parent] = endsOf(opened(links, 'parent', 0, descriptors), kind) as [LinkEnd<unknown>];
    later.become(parent);
    later.send(3);
    await until('all of them', () => answers.length === 3);
    expect(answers).toEqual([1, 2, 3]);
  });
});

test('of rings whose heads are written over the caller hears when it is ready to', () => {
  const links = new Links(planOf('ring'));
  const descriptors = made(links);
  const bytes = 2 * (16_384 + 256 + 32_768 + 256);
  const memory = new MappedMemory(descriptors['jobs.1'] as number, bytes);
  closing.push(() => memory.close());
  new Int32Array(memory.buffer).fill(7);
  const corrupt: number[] = [];
  const ends = endsOf(opened(links, 'parent', 1, descriptors), 'ring', (other) => corrupt.push(other));
  expect(corrupt).toEqual([]);
  for (const end of ends) {
    end.begin();
    end.begin();
  }
  expect(corrupt).toEqual([1]);
  expect(ends.map((end) => end.corrupt)).toEqual([false, true]);
  links.open('parent', 0, findIn(descriptors)).reset('jobs', 1, 1);
  for (const end of endsOf(opened(links, 'worker', 1, descriptors), 'ring', (other) => corrupt.push(other)))
    end.begin();
  expect(corrupt).toEqual([1, 0]);
});

test('an inbox takes from all others, and nonsense of one of them costs the rest nothing', async () => {
  const links = new Links({
    peers: { peer: 3 },
    links: { inbox: { from: 'peer', to: 'peer', kind: 'inbox' } },
  });
  const descriptors = made(links);
  const peers = [0, 1, 2].map((peer) => opened(links, 'peer', peer, descriptors));
  const bad: string[] = [];
  const inbox = peers[0]?.inbox<string>('inbox', {
    borrowed: true,
    onBad: ({ message }) => bad.push(message),
  });
  const got: string[] = [];
  inbox?.on('message', (value) => got.push(value));
  const [one, two] = [peers[1], peers[2]].map((peer) => peer?.outbox<string>('inbox', 0, { borrowed: true }));
  one?.send('of one');
  await until('the first', () => got.length === 1);
  syscalls.send(descriptors['inbox.0.write'] as number, Buffer.from([1, 2, 3]), 0, 3);
  await until('word of it', () => bad.length === 1);
  two?.send('of two');
  await until('the second', () => got.length === 2);
  expect(got).toEqual(['of one', 'of two']);
  for (const channel of [inbox, one, two]) channel?.destroy();
});

test('rings and pipes of one set lie beside each other: pipes take no room in memory', () => {
  const links = new Links({
    peers: { from: 3, to: 1 },
    links: {
      mixed: { from: 'from', to: 'to', kind: (from) => (from === 1 ? 'pipe' : 'ring'), bytes: () => 4_096 },
    },
  });
  expect([0, 1].map((from) => links.nameOf('mixed', from, 0))).toEqual(['mixed.0', 'mixed.1.0']);
  expect(links.ringBytes('mixed')).toBe(2 * 2 * (4_096 + 256));
  expect(Object.keys(made(links)).filter((name) => name.startsWith('mixed'))).toEqual([
    'mixed.0',
    'mixed.1.0.from',
    'mixed.1.0.to',
  ]);
});

test('of a plan of which a part cannot be made nothing is left open', () => {
  const before = linesOf('/proc/self/fd');
  const { peers, links } = planOf('pipe');
  const huge = { from: 'worker', to: 'parent', kind: 'ring', bytes: () => 2 ** 62 } as const;
  expect(() => new Links({ peers, links: { ...links, huge } }).create()).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_NO_MEMORY' }),
  );
  expect(linesOf('/proc/self/fd')).toBe(before);
});

test.each([
  [
    'links of a group that there is not',
    { from: 'nobody', to: 'b', kind: 'pipe' },
    /'nobody' that there is not/,
  ],
  ['links within one group', { from: 'a', to: 'a', kind: 'pipe' }, /are of the group 'a'/],
  ['rings without a size', { from: 'a', to: 'b', kind: 'ring' }, /have no 'bytes'/],
  [
    'a peer beyond the last',
    { from: { group: 'a', members: [2] }, to: 'b', kind: 'pipe' },
    /peer 2 of 'a', which has 2/,
  ],
] as const)('a plan is refused for %s', (_what, set, message) => {
  expect(() => new Links({ peers: { a: 2, b: 1 }, links: { set } })).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_LINK_PLAN', message: expect.stringMatching(message) }),
  );
});

test('what a plan does not have is refused by name', () => {
  const links = new Links(planOf('pipe'));
  const mine = opened(links, 'parent', 0, made(links));
  const refused = (call: () => unknown, message: RegExp) =>
    expect(call).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_LINK_PLAN', message: expect.stringMatching(message) }),
    );
  refused(() => mine.memory('none'), /no memory 'none'/);
  refused(() => mine.listen(), /'parent' has no doorbells/);
  refused(() => mine.ends('none', () => ({ codec: msgpackCodec() })), /no links 'none'/);
  refused(() => mine.end('extras', 1, { codec: msgpackCodec() }), /'extras' are no channels/);
  refused(() => findIn({})('hub'), /no descriptor 'hub'/);
});
