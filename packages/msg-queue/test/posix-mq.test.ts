import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { openDescriptors, until, within } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import PosixMQ, { PosixMQ as Named, type PosixMQConfig } from '../src/posix-mq.js';
import { testName } from './support.js';

type Queue = InstanceType<typeof PosixMQ>;

const require = createRequire(import.meta.url);

/** The package itself; absent where it could not be compiled for this Node. */
function loadReal(): typeof PosixMQ | undefined {
  try {
    return require('posix-mq') as typeof PosixMQ;
  } catch {
    return undefined;
  }
}

const Real = loadReal();
const open: Queue[] = [];

afterEach(() => {
  for (const queue of open.splice(0)) {
    for (const end of [() => queue.close(), () => queue.unlink()]) {
      try {
        end();
      } catch {
        // The test has done it.
      }
    }
  }
});

function make(Kind: typeof PosixMQ, config: Partial<PosixMQConfig> = {}): Queue {
  const queue = new Kind();
  open.push(queue);
  queue.open({
    name: testName(),
    create: true,
    exclusive: true,
    mode: '0600',
    maxmsgs: 4,
    msgsize: 16,
    ...config,
  });
  return queue;
}

function join(Kind: typeof PosixMQ, name: string): Queue {
  const queue = new Kind();
  open.push(queue);
  queue.open({ name });
  return queue;
}

/** What a call gives or throws, so that two kinds can be compared. */
function outcome(call: () => unknown): unknown {
  try {
    return { gives: call() };
  } catch (error) {
    return { throws: (error as Error).message, type: (error as Error).constructor.name };
  }
}

test('the module is what posix-mq is: the class, by import and by require', () => {
  expect(Named).toBe(PosixMQ);
  expect(require('../dist/posix-mq.js')).toBeTypeOf('function');
  expect(require('../dist/posix-mq.js').name).toBe('PosixMQ');
});

test('messages go through by priority, with their length, and false when there are none or no room', () => {
  const queue = make(PosixMQ);
  const buffer = Buffer.alloc(queue.msgsize);
  expect(queue.shift(buffer)).toBe(false);
  expect(queue.push('low')).toBe(true);
  expect(queue.push(Buffer.from('high!'), 31)).toBe(true);
  expect([queue.curmsgs, queue.maxmsgs, queue.msgsize, queue.isFull]).toEqual([2, 4, 16, false]);
  expect(queue.shift(buffer, true)).toEqual([5, 31]);
  expect(queue.shift(buffer)).toBe(3);
  expect(buffer.toString('utf8', 0, 3)).toBe('low');
  for (let i = 0; i < 4; i++) expect(queue.push('x')).toBe(true);
  expect([queue.push('x'), queue.isFull]).toEqual([false, true]);
});

test('a name with a NUL in it is refused, and opens no other queue', () => {
  const name = testName();
  make(PosixMQ, { name });
  expect(() => join(PosixMQ, `${name}\0x`)).toThrow('name must be a string without a NUL');
});

test('it loads in a worker thread, and reports messages there', async () => {
  const queue = make(PosixMQ);
  const name = testName();
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const PosixMQ = require(${JSON.stringify(new URL('../dist/posix-mq.js', import.meta.url).pathname)});
     const queue = new PosixMQ();
     queue.open({ name: '${name}', create: true, mode: 0o600, maxmsgs: 2, msgsize: 16 });
     queue.on('messages', () => {
       const buffer = Buffer.alloc(queue.msgsize);
       parentPort.postMessage(buffer.toString('utf8', 0, queue.shift(buffer)));
       queue.unlink();
       queue.close();
     });
     parentPort.postMessage('ready');`,
    { eval: true },
  );
  const said: string[] = [];
  worker.on('message', (text: string) => said.push(text));
  await until('the thread', () => said.length === 1);
  join(PosixMQ, name).push('to the thread');
  await until('the message', () => said[1] === 'to the thread');
  await until('the end of the thread', () => worker.threadId === -1);
  queue.close();
});

test('a message that comes before the next turn of the loop is reported', async () => {
  const queue = make(PosixMQ);
  const messages = new Promise<void>((resolve) => queue.once('messages', resolve));
  queue.push('at once');
  await within('the event', messages);
});

test('closing gives the descriptor back, and a queue can be opened again by the same object', () => {
  const before = openDescriptors('self');
  const queue = make(PosixMQ);
  queue.close();
  expect(openDescriptors('self')).toBe(before);
  queue.unlink();
  const name = testName();
  queue.open({ name, create: true, mode: 0o600, maxmsgs: 1, msgsize: 8 });
  expect(queue.maxmsgs).toBe(1);
});

describe.skipIf(Real === undefined)('beside the real posix-mq', () => {
  const real = Real as typeof PosixMQ;

  test.each([
    ['ours', 'theirs', PosixMQ, real],
    ['theirs', 'ours', real, PosixMQ],
  ])('what %s sends, %s receives, whole and by priority', (_from, _to, From, To) => {
    const name = testName();
    const sender = make(From, { name });
    const receiver = join(To, name);
    sender.push(Buffer.from([0, 1, 2, 255]), 1);
    sender.push('zwölf', 30);
    const buffer = Buffer.alloc(16);
    expect(receiver.shift(buffer, true)).toEqual([6, 30]);
    expect(buffer.toString('utf8', 0, 6)).toBe('zwölf');
    expect(receiver.shift(buffer, true)).toEqual([4, 1]);
    expect([...buffer.subarray(0, 4)]).toEqual([0, 1, 2, 255]);
    expect(receiver.shift(buffer)).toBe(false);
  });

  test('every wrong call is answered alike', () => {
    const calls: ((queue: Queue) => unknown)[] = [
      (queue) => (queue.open as () => void)(),
      (queue) => queue.open(null as never),
      (queue) => queue.open({ name: '/x', create: 1 as never }),
      (queue) => queue.open({ name: 5 as never }),
      (queue) => queue.open({ name: '/x', flags: 'r' as never }),
      (queue) => queue.open({ name: '/x', create: true }),
      (queue) => queue.open({ name: '/millrace-there-is-none' }),
      (queue) => queue.open({ name: 'no-slash' }),
      (queue) => queue.open({ name: '/millrace-big', create: true, mode: 0o600, maxmsgs: 1e9 }),
      (queue) => queue.close(),
      (queue) => queue.unlink(),
      (queue) => queue.push('x'),
      (queue) => queue.shift(Buffer.alloc(16)),
      (queue) => (queue.push as unknown as () => void)(),
      (queue) => queue.push(5 as never),
      (queue) => queue.push('x', 32),
      (queue) => queue.push('x', undefined),
      (queue) => (queue.shift as unknown as () => void)(),
      (queue) => queue.shift('x' as never),
    ];
    for (const call of calls) {
      const [ours, theirs] = [PosixMQ, real].map((Kind) => {
        const queue = new Kind();
        return outcome(() => call(queue));
      });
      expect(ours, String(call)).toEqual(theirs);
    }
    const opened: ((queue: Queue) => unknown)[] = [
      (queue) => queue.push('x'.repeat(17)),
      (queue) => queue.shift(Buffer.alloc(15)),
      (queue) => queue.push(Buffer.alloc(0)),
      (queue) => queue.shift(Buffer.alloc(16), true),
      (queue) => [queue.maxmsgs, queue.msgsize, queue.curmsgs, queue.isFull],
      (queue) => queue.unlink(),
      (queue) => queue.unlink(),
      (queue) => queue.close(),
      (queue) => queue.close(),
      (queue) => [queue.maxmsgs, queue.msgsize, queue.curmsgs, queue.isFull],
    ];
    const queues = [make(PosixMQ), make(real)] as const;
    for (const call of opened) {
      const [ours, theirs] = queues.map((queue) => outcome(() => call(queue)));
      expect(ours, String(call)).toEqual(theirs);
    }
  });

  test('both report the same events in the same order', async () => {
    const observe = async (Kind: typeof PosixMQ): Promise<string[]> => {
      const queue = make(Kind, { maxmsgs: 2 });
      const events: string[] = [];
      const buffer = Buffer.alloc(16);
      const drained = new Promise<void>((resolve) => queue.once('drain', resolve));
      queue.on('drain', () => events.push('drain'));
      queue.on('messages', () => {
        for (let length = queue.shift(buffer); length !== false; length = queue.shift(buffer)) {
          events.push(`message ${buffer.toString('utf8', 0, length)}`);
        }
      });
      await within('the first drain', drained);
      for (const text of ['one', 'two']) {
        const seen = events.length;
        queue.push(text);
        await until(`${text} and the drain after it`, () => events.length >= seen + 2);
      }
      queue.push('three');
      queue.push('four');
      const seen = events.length;
      await until('both and the drain after them', () => events.length >= seen + 3);
      queue.close();
      return events;
    };
    const ours = await observe(PosixMQ);
    expect(ours).toEqual(await observe(real));
    expect(ours[0]).toBe('drain');
  });
});
