import { beforeEach, expect, test } from 'vitest';
import { ANYONE, NONE, openQueue, queueBytes, SharedQueue } from '../src/index.js';
import { ENTRIES, geometryOf, HEAD, TAIL } from '../src/queue-layout.js';

const OPTIONS = { slots: 8, payloadBytes: 128, members: 4 };
const SUPERVISOR = 3;
let memory: ArrayBuffer;
let rung: number[];
beforeEach(() => {
  memory = new ArrayBuffer(queueBytes(OPTIONS));
  rung = [];
});

const join = (member: number, incarnation = 1) =>
  new SharedQueue({
    memory: openQueue(memory, 0, OPTIONS),
    member,
    incarnation,
    ring: (other) => rung.push(other),
  });
const post = (queue: SharedQueue, text: string, target = ANYONE) =>
  queue.post([7], Buffer.from(text), target);
const takeText = (queue: SharedQueue) => {
  const ticket = queue.take();
  if (ticket === NONE) return undefined;
  const text = queue.bytes(ticket).toString();
  queue.done(ticket);
  return text;
};
const code = (value: string) => expect.objectContaining({ code: `ERR_MILLRACE_QUEUE_${value}` });

test('messages come out in the order in which they went in, with their header', () => {
  const [producer, consumer] = [join(0), join(1)];
  for (let i = 0; i < 5; i++) expect(producer.post([i, ~i], Buffer.from(`m${i}`))).not.toBe(NONE);
  for (let i = 0; i < 5; i++) {
    const ticket = consumer.take();
    expect([consumer.header(ticket, 0), consumer.header(ticket, 1)]).toEqual([i, ~i]);
    expect(consumer.bytes(ticket).toString()).toBe(`m${i}`);
    consumer.done(ticket);
  }
  expect(consumer.take()).toBe(NONE);
  expect(consumer.stats()).toEqual({ free: 8, writing: 0, waiting: 0, taken: 0, withdrawn: 0 });
});

test('a queue goes on through many laps, and past 2^31 and 2^32 messages', () => {
  for (const start of [0, 2 ** 31 - 24, 2 ** 32 - 24]) {
    memory = new ArrayBuffer(queueBytes(OPTIONS));
    const { words } = openQueue(memory, 0, OPTIONS);
    const { lanes, slots } = geometryOf(OPTIONS.slots, OPTIONS.payloadBytes, OPTIONS.members);
    // As it would be after so many messages: entries of the lap before, which all have been taken.
    words[lanes + HEAD] = start | 0;
    words[lanes + TAIL] = start | 0;
    for (let slot = 0; slot < slots; slot++) words[lanes + ENTRIES + slot] = (start | 0) + slot;
    const [producer, consumer] = [join(0), join(1)];
    for (let i = 0; i < 100; i++) {
      for (let k = 0; k <= i % 8; k++) expect(post(producer, `${i}.${k}`)).not.toBe(NONE);
      for (let k = 0; k <= i % 8; k++) expect(takeText(consumer)).toBe(`${i}.${k}`);
    }
  }
});

test('full is a value, and says nothing about the messages of a slow consumer', () => {
  const [producer, slow, quick] = [join(0), join(1), join(2)];
  post(producer, 'slow');
  const inHand = slow.take();
  for (let i = 0; i < 7; i++) expect(post(producer, `${i}`)).not.toBe(NONE);
  expect(post(producer, 'too much')).toBe(NONE);
  // What the slow one has blocks one slot, and no other message.
  for (let lap = 0; lap < 20; lap++) {
    expect(takeText(quick)).toBe(`${lap}`);
    expect(post(producer, `${lap + 7}`)).not.toBe(NONE);
  }
  slow.done(inHand);
  expect(slow.inHand).toBe(0);
});

test('a producer that is slow to write keeps nobody waiting', () => {
  const [slow, quick, consumer] = [join(0), join(1), join(2)];
  slow.postWith([1], (bytes, start) => {
    for (let lap = 0; lap < 20; lap++) {
      expect(post(quick, `${lap}`)).not.toBe(NONE);
      expect(takeText(consumer)).toBe(`${lap}`);
    }
    return bytes.write('at last', start);
  });
  expect(takeText(consumer)).toBe('at last');
});

test('a writer that throws has posted nothing', () => {
  const producer = join(0);
  const fail = () =>
    producer.postWith([1], () => {
      throw new Error('no value');
    });
  expect(fail).toThrow('no value');
  expect(() => producer.postWith([1], () => 129)).toThrow(code('MESSAGE_SIZE'));
  expect(producer.stats().free).toBe(8);
  expect(producer.take()).toBe(NONE);
});

test('a message for one member is taken by that member only, and keeps nobody else waiting', () => {
  const [producer, chosen, other] = [join(0), join(1), join(2)];
  post(producer, 'for 1', 1);
  post(producer, 'for anyone');
  expect(takeText(other)).toBe('for anyone');
  expect(takeText(other)).toBe(undefined);
  expect(takeText(chosen)).toBe('for 1');
});

test('a message can be withdrawn until it is taken, and by its own ticket only', () => {
  const [producer, consumer] = [join(0), join(1)];
  const [first, second, third] = ['first', 'second', 'third'].map((text) => post(producer, text));
  expect(producer.withdraw(second!)).toBe(true);
  expect(producer.withdraw(second!)).toBe(false);
  expect(takeText(consumer)).toBe('first');
  expect(producer.withdraw(first!)).toBe(false);
  expect(takeText(consumer)).toBe('third');
  for (let i = 0; i < 8; i++) post(producer, 'later, in the same slots');
  expect([first, second, third].map((ticket) => producer.withdraw(ticket!))).toEqual([false, false, false]);
  expect(producer.stats().waiting).toBe(8);
});

test('what was withdrawn gives its slot back once nothing waits before it', () => {
  const [producer, consumer] = [join(0), join(1)];
  post(producer, 'waits');
  const rest = Array.from({ length: 7 }, (_, i) => post(producer, `${i}`));
  for (const ticket of rest) producer.withdraw(ticket);
  expect(producer.stats()).toMatchObject({ waiting: 1, withdrawn: 7 });
  expect(post(producer, 'full')).toBe(NONE);
  expect(producer.awaitRoom()).toBe(true);
  consumer.take();
  expect(rung).toEqual([0]);
  expect(producer.stats()).toMatchObject({ free: 7, taken: 1 });
});

test('one message wakes one of those who sleep, and none who is awake', () => {
  const [producer, a, b] = [join(0), join(1), join(2)];
  post(producer, 'nobody sleeps');
  expect(rung).toEqual([]);
  expect(a.awaitMessages()).toBe(false);
  takeText(a);
  expect([a.awaitMessages(), b.awaitMessages()]).toEqual([true, true]);
  post(producer, 'one');
  expect(rung).toEqual([1]);
  post(producer, 'two');
  expect(rung).toEqual([1, 2]);
  post(producer, 'three');
  expect(rung).toEqual([1, 2]);
});

test('a ring that its member will not use goes to another', () => {
  const [producer, a, b] = [join(0), join(1), join(2)];
  a.awaitMessages();
  b.awaitMessages();
  post(producer, 'for anyone');
  a.stopWaiting();
  expect(rung).toEqual([1, 2]);
  // Taking a message of its own makes a member busy, too.
  takeText(b);
  rung.length = 0;
  a.awaitMessages();
  b.awaitMessages();
  post(producer, 'for anyone');
  post(producer, 'for 1', 1);
  expect(takeText(a)).toBe('for 1');
  expect(rung).toEqual([1, 2]);
});

test('one free slot wakes one of those who wait for room', () => {
  const [a, b, consumer] = [join(0), join(1), join(2)];
  while (post(a, 'x') !== NONE);
  expect([a.awaitRoom(), b.awaitRoom()]).toEqual([true, true]);
  takeText(consumer);
  expect(rung).toEqual([0]);
  takeText(consumer);
  expect(rung).toEqual([0, 1]);
});

test('what a dead consumer had in hand is told once, and can be rejected or retried', () => {
  const [producer, dead, other, supervisor] = [join(0), join(1), join(2), join(SUPERVISOR)];
  for (const text of ['a', 'b', 'c', 'd']) post(producer, text);
  for (let i = 0; i < 2; i++) dead.take();
  const told: number[] = [];
  expect(supervisor.abandon(1, 1, (ticket) => told.push(ticket))).toEqual({
    inHand: 2,
    finished: 0,
    dropped: 0,
  });
  expect(told.map((ticket) => supervisor.bytes(ticket).toString())).toEqual(['a', 'b']);
  expect(supervisor.abandon(1, 1, (ticket) => told.push(ticket)).inHand).toBe(0);
  supervisor.done(told[0]!);
  supervisor.retry(told[1]!);
  expect(() => dead.done(told[0]!)).toThrow(code('TICKET'));
  expect(() => supervisor.done(told[0]!)).toThrow(code('TICKET'));
  expect(['c', 'd', 'b', undefined].map(() => takeText(other))).toEqual(['c', 'd', 'b', undefined]);
  expect(other.stats().free).toBe(8);
});

test('a supervisor that dies with inherited messages is itself abandoned', () => {
  const [producer, dead, first, second] = [join(0), join(1), join(2), join(SUPERVISOR)];
  post(producer, 'wanders');
  dead.take();
  first.abandon(1, 1, () => {});
  const told: string[] = [];
  second.abandon(2, 1, (ticket) => told.push(second.bytes(ticket).toString()));
  expect(told).toEqual(['wanders']);
});

test('a producer that dies while it writes leaves nothing behind, and what it had posted stays', () => {
  const [dead, consumer, supervisor] = [join(0), join(1), join(SUPERVISOR)];
  post(dead, 'posted');
  const die = () =>
    dead.postWith([1], () => {
      expect(supervisor.abandon(0, 1, () => {})).toEqual({ inHand: 0, finished: 0, dropped: 1 });
      throw new Error('killed');
    });
  expect(die).toThrow('killed');
  expect(takeText(consumer)).toBe('posted');
  expect(consumer.stats().free).toBe(8);
});

test('a member has its number alone, and its successor begins when it is abandoned', () => {
  const supervisor = join(SUPERVISOR);
  const dead = join(1, 5);
  dead.awaitMessages();
  expect(() => join(1, 6)).toThrow(code('MEMBER'));
  // News of the one before the present one changes nothing.
  expect(supervisor.abandon(1, 4, () => {})).toEqual({ inHand: 0, finished: 0, dropped: 0 });
  expect(() => join(1, 6)).toThrow(code('MEMBER'));
  supervisor.abandon(1, 5, () => {});
  post(supervisor, 'for the successor', 1);
  expect(takeText(join(1, 6))).toBe('for the successor');
  expect(() => supervisor.abandon(SUPERVISOR, 1, () => {})).toThrow(code('MEMBER'));
});

test('a member that leaves gives its number back, unless it has messages in hand', () => {
  const [producer, first] = [join(0), join(1)];
  first.close();
  first.close();
  const second = join(1, 2);
  post(producer, 'in hand');
  second.take();
  second.close();
  expect(() => join(1, 3)).toThrow(code('MEMBER'));
  expect(producer.abandon(1, 2, () => {}).inHand).toBe(1);
});

test('misuse throws, with the value and the limit', () => {
  const queue = join(0);
  expect(() => queue.post([], Buffer.alloc(129))).toThrow(/129 bytes.*128 bytes/);
  expect(() => queue.post(new Int32Array(13), Buffer.alloc(0))).toThrow(code('MESSAGE_SIZE'));
  expect(() => post(queue, 'x', 4)).toThrow(code('MEMBER'));
  expect(() => join(4)).toThrow(code('MEMBER'));
  expect(() => join(1, 0)).toThrow(code('MEMBER'));
  for (const options of [
    { slots: 3 },
    { slots: 1 << 17 },
    { payloadBytes: 100 },
    { members: 257 },
    { members: 0 },
  ])
    expect(() => queueBytes(options)).toThrow(code('SIZE'));
  expect(() => queueBytes({ slots: 1 << 16, payloadBytes: 1 << 20 })).toThrow(code('SIZE'));
  expect(() => openQueue(memory, 64, OPTIONS)).toThrow(code('SIZE'));
  expect(() => openQueue(memory, 0, { ...OPTIONS, slots: 4 })).toThrow(code('CORRUPT'));
  new Int32Array(memory)[0] = 1;
  expect(() => openQueue(memory, 0, OPTIONS)).toThrow(code('CORRUPT'));
});
