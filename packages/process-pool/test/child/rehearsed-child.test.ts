import { openDescriptors, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { ChildProcessContext } from '../../src/child/child.js';
import { RehearsedChild } from '../../src/child/rehearsed-child.js';

const like = { name: 'worker 1', incarnation: 3 } as ChildProcessContext;

test('a rehearsed child waits, begins, and hears what its parent says', async () => {
  const before = openDescriptors('self');
  const child = RehearsedChild.like(like, { id: 1 }, new Map([['memory', 7]]));
  expect(child).toMatchObject({ name: 'worker 1', incarnation: 3, waits: true, data: { id: 1 } });
  expect(child.descriptor('memory')).toBe(7);
  const heard: unknown[] = [];
  child.onMessage((body) => heard.push(body));
  child.tell('one', { two: 2 });
  await child.begun();
  await until('what was said', () => heard.length === 2);
  expect(heard).toEqual(['one', { two: 2 }]);
  expect(child.send('one more')).toBe(true);
  child.close();
  child.close();
  expect(openDescriptors('self')).toBe(before);
});

test('the signals and the end of the process are left to the real one', async () => {
  const listeners = process.rawListeners('SIGTERM');
  const title = process.title;
  const child = RehearsedChild.like(like, undefined, new Map());
  child.onStop();
  expect(process.rawListeners('SIGTERM')).toEqual(listeners);
  child.close();
  // The end of a channel is told in a microtask: this process would have ended.
  await new Promise((resolve) => setImmediate(resolve));
  expect(process.title).toBe(title);
  expect(child.send('nothing')).toBeUndefined();
});
