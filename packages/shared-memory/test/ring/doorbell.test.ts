import type { Poller } from '@millrace/channel';
import { NodePoller } from '@millrace/native';
import { EAGAIN, syscalls } from '@millrace/native/syscalls';
import { until } from '@millrace/testkit';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { DOORBELL_BYTES, Doorbell, DoorbellListener } from '../../src/internal.js';

const memory = new ArrayBuffer(DOORBELL_BYTES);
const fd = syscalls.eventfd();
let listener: DoorbellListener | undefined;
afterEach(() => listener?.close());

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

test('an owner that sleeps is rung, one that is awake costs no system call', () => {
  const bell = new Doorbell(fd, memory, 0);
  bell.wake();
  bell.ring();
  expect(syscalls.eventfdDrain(fd)).toBe(-EAGAIN);
  bell.sleep();
  bell.ring();
  expect(syscalls.eventfdDrain(fd)).toBe(0);
});

test('a writer rings once for each sleep, however often it has something to say', () => {
  const owner = new Doorbell(fd, memory, 0);
  const writer = new Doorbell(fd, memory, 0);
  for (let sleep = 0; sleep < 3; sleep++) {
    owner.sleep();
    writer.ring();
    expect(syscalls.eventfdDrain(fd)).toBe(0);
    writer.ring();
    expect(syscalls.eventfdDrain(fd)).toBe(-EAGAIN);
    // Whoever has not rung for this sleep knows nothing of the other's doing, and need not.
    new Doorbell(fd, memory, 0).ring();
    expect(syscalls.eventfdDrain(fd)).toBe(0);
    owner.wake();
  }
});

test("a sleep that a dead owner has begun is another one than its successor's", () => {
  const writer = new Doorbell(fd, memory, 0);
  new Doorbell(fd, memory, 0).sleep();
  writer.ring();
  // It dies asleep; the next one looks first, and then sleeps.
  new Doorbell(fd, memory, 0).sleep();
  writer.ring();
  expect(syscalls.eventfdDrain(fd)).toBe(0);
});

test('a count of sleeps that has run over wakes its owner as before', () => {
  const owner = new Doorbell(fd, memory, 0);
  const writer = new Doorbell(fd, memory, 0);
  new Int32Array(memory, 0, 1)[0] = 2 ** 31 - 2;
  for (let sleep = 0; sleep < 3; sleep++) {
    owner.sleep();
    writer.ring();
    expect(syscalls.eventfdDrain(fd)).toBe(0);
    owner.wake();
    writer.ring();
    expect(syscalls.eventfdDrain(fd)).toBe(-EAGAIN);
  }
});

test('a writer that dies between publishing and ringing keeps no other from ringing', async () => {
  const published: string[] = [];
  const taken: string[] = [];
  listener = new DoorbellListener(new Doorbell(fd, memory, 0), new NodePoller());
  listener.add({
    get hasWork() {
      return published.length > taken.length;
    },
    service: () => taken.push(...published.slice(taken.length)),
  });
  await turns(5);
  // Published, and dead before it rang; whatever it did to the word, it is as it was.
  published.push('of the dead one');
  await turns(5);
  expect(taken).toEqual([]);
  published.push('of another');
  new Doorbell(fd, memory, 0).ring();
  await turns(5);
  expect(taken).toEqual(['of the dead one', 'of another']);
});

test('a client that throws while its owner looks does not make it deaf', async () => {
  const deferred: (() => void)[] = [];
  const loop = new NodePoller();
  listener = new DoorbellListener(
    new Doorbell(fd, memory, 0),
    {
      add: (watched, callback) => loop.add(watched, callback),
      defer: (callback) => deferred.push(callback),
      every: (ms, callback) => loop.every(ms, callback),
    },
    { spin: 1_000_000 },
  );
  let looks = Number.NEGATIVE_INFINITY;
  let work = false;
  let served = 0;
  listener.add({
    // Found at the third look.
    get hasWork() {
      return work || ++looks === 3;
    },
    service: () => {
      work = false;
      served++;
      if (looks < 3) return;
      looks = Number.NEGATIVE_INFINITY;
      throw new Error('as asked');
    },
  });
  // It has been served once, and looks from now on: nobody rings.
  while (deferred.length === 0) await turns(1);
  looks = 0;
  expect(deferred.shift()).toThrow('as asked');
  const before = served;
  work = true;
  new Doorbell(fd, memory, 0).ring();
  await turns(5);
  expect(served).toBeGreaterThan(before);
});

/** A loop whose clock the test moves. */
class ClockPoller extends NodePoller {
  #look: () => void = () => {};

  override every(_ms: number, callback: () => void) {
    this.#look = callback;
    return { close: () => (this.#look = () => {}) };
  }

  look(): void {
    this.#look();
  }
}

/** A listener that sleeps, of a client with as much work as it is told. */
async function sleeper() {
  const poller = new ClockPoller();
  const onOverwritten = vi.fn();
  listener = new DoorbellListener(new Doorbell(fd, memory, 0), poller, { onOverwritten });
  const client = {
    hasWork: false,
    served: 0,
    service() {
      client.served++;
      client.hasWork = false;
    },
  };
  listener.add(client);
  await turns(5);
  client.served = 0;
  return { poller, client, onOverwritten };
}

test('an owner whose word is written over while it sleeps finds its work at the next look, and says so once', async () => {
  const word = new Int32Array(memory, 0, 1);
  const { poller, client, onOverwritten } = await sleeper();
  for (const [round, value] of [0, 2, -2, 7].entries()) {
    word[0] = value;
    client.hasWork = true;
    // It seems to be awake, or in a sleep for which it was rung.
    if (value !== 7) new Doorbell(fd, memory, 0).ring();
    await turns(5);
    expect(client.served).toBe(round);
    poller.look();
    await turns(5);
    expect(client.served).toBe(round + 1);
  }
  expect(onOverwritten).toHaveBeenCalledOnce();
  client.hasWork = true;
  new Doorbell(fd, memory, 0).ring();
  await turns(5);
  expect(client.served).toBe(5);
});

test('a ring that another process has taken from the event descriptor costs no more than the time to the next look', async () => {
  const { poller, client, onOverwritten } = await sleeper();
  client.hasWork = true;
  new Doorbell(fd, memory, 0).ring();
  expect(syscalls.eventfdDrain(fd)).toBe(0);
  await turns(5);
  expect(client.served).toBe(0);
  poller.look();
  await turns(5);
  expect(client.served).toBe(1);
  expect(onOverwritten).not.toHaveBeenCalled();
});

test('looks of an owner that has nothing to do make no turn', async () => {
  const { poller, client } = await sleeper();
  poller.look();
  expect(syscalls.eventfdDrain(fd)).toBe(-EAGAIN);
  await turns(5);
  expect(client.served).toBe(0);
});

test('an event descriptor whose count is full is no error of the process that rings', () => {
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(2n ** 64n - 2n);
  expect(syscalls.write(fd, count, 0, 8)).toBe(8);
  const owner = new Doorbell(fd, memory, 0);
  expect(() => owner.poke()).not.toThrow();
  expect(syscalls.eventfdDrain(fd)).toBe(0);
});

/** A client that takes one piece of work at a time, and an owner that sleeps. */
async function pieceByPiece(poller: Poller) {
  listener = new DoorbellListener(new Doorbell(fd, memory, 0), poller);
  let left = 0;
  const client = {
    served: 0,
    get hasWork() {
      return left > 0;
    },
    service() {
      if (left > 0) left--;
      client.served++;
    },
  };
  listener.add(client);
  await turns(5);
  const ring = (work: number) => {
    left = work;
    client.served = 0;
    new Doorbell(fd, memory, 0).ring();
  };
  return { client, ring };
}

test('an owner whose loop tells edges is served ring by ring, and never reads its event descriptor', async () => {
  const { client, ring } = await pieceByPiece(new NodePoller());
  const read = vi.spyOn(syscalls, 'eventfdDrain');
  onTestFinished(() => read.mockRestore());
  for (const work of [1, 3, 1, 5]) {
    ring(work);
    await until('the work is done', () => client.served >= work && !client.hasWork);
    await turns(5);
    expect(client.served).toBe(work);
  }
  expect(read).not.toHaveBeenCalled();
});

test('a loop that promises edges and tells levels is quiet all the same once there is no work', async () => {
  const loop = new NodePoller();
  const { client, ring } = await pieceByPiece({
    add: (watched, callback) => loop.add(watched, callback),
    addEdge: (watched, callback) => loop.add(watched, callback),
    defer: (callback) => loop.defer(callback),
    every: (ms, callback) => loop.every(ms, callback),
  });
  ring(3);
  await until('the work is done', () => !client.hasWork);
  await turns(5);
  const { served } = client;
  await turns(20);
  expect(client.served).toBe(served);
});

test('a count that another process has filled up keeps an owner from its work no longer than to the next look', async () => {
  const { poller, client } = await sleeper();
  const count = Buffer.alloc(8);
  syscalls.eventfdDrain(fd);
  count.writeBigUInt64LE(2n ** 64n - 2n);
  expect(syscalls.write(fd, count, 0, 8)).toBe(8);
  await turns(5);
  client.served = 0;
  client.hasWork = true;
  poller.look();
  await turns(5);
  expect(client.served).toBe(1);
});
