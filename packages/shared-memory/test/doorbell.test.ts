import { EAGAIN, NodePoller, syscalls } from '@millrace/native';
import { afterEach, expect, test } from 'vitest';
import { DOORBELL_BYTES, Doorbell, DoorbellListener } from '../src/index.js';

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
