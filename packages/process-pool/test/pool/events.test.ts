import { until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import type { Member } from '../../src/index.js';
import { member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

test('any number of handlers hear an event, after that of the constructor, until they are removed', async () => {
  const heard: string[] = [];
  const { pool } = watch([member('echo')], {}, { onReady: ({ name }) => heard.push(`constructor ${name}`) });
  const removed = () => heard.push('removed');
  pool
    .on('ready', ({ name }) => heard.push(`first ${name}`))
    .on('ready', removed)
    .on('ready', ({ name }) => heard.push(`second ${name}`))
    .off('ready', removed);
  await pool.start();
  expect(heard).toEqual(['constructor echo', 'first echo', 'second echo']);
});

test('an event that there is not is refused with the nearest name', () => {
  const { pool } = watch([member('echo')]);
  expect(() => pool.on('exti' as 'exit', () => {})).toThrow(
    "The events of a ProcessPool have no 'onExti'; did you mean 'onExit'?",
  );
});

test('a failure that no handler hears ends nothing', async () => {
  const { pool, exits } = watch([member('echo')], {}, { onError: undefined as never });
  await pool.start();
  (pool.members[0] as Member).kill('SIGKILL');
  await until('the end', () => exits.length === 1);
  await until('the next process', () => pool.members[0]?.isUp);
});

test('close lets members end in order, and destroy kills those that do not listen', async () => {
  const orderly = watch([member('orderly')]);
  await orderly.pool.start();
  await orderly.pool.close();
  await orderly.pool.close();
  expect(orderly.messages).toEqual([{ stopping: 'stop' }]);
  expect(orderly.exits.map(({ exit }) => exit.code)).toEqual([0]);
  const deaf = watch([member('deaf')]);
  await deaf.pool.start();
  await deaf.pool.destroy();
  await deaf.pool.destroy();
  expect(deaf.exits.map(({ exit }) => exit.signal)).toEqual(['SIGKILL']);
  expect(deaf.pool.running).toBe(false);
});

test('a process calls every handler of a message', async () => {
  const { pool, messages } = watch([member('two handlers')]);
  await pool.start();
  (pool.members[0] as Member).send('both');
  await until('both', () => messages.length === 2);
  expect(messages).toContainEqual({ second: 'both' });
});
