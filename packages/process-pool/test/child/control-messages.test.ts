import { until } from '@millrace/testkit';
import { afterEach, expect, test } from 'vitest';
import type { Member, ProcessPool } from '../../src/index.js';
import { member, stopPoolsAfterEach, watch } from '../support.js';

stopPoolsAfterEach();

const warnings: Error[] = [];
const onWarning = (warning: Error) => void warnings.push(warning);
process.on('warning', onWarning);
afterEach(() => void warnings.splice(0));

/** Sends `message` from a member over its control pipe, and waits until the pool has read it. */
async function sendControl(pool: ProcessPool, messages: readonly unknown[], message: object): Promise<void> {
  const count = messages.length;
  (pool.members[0] as Member).send({ control: message });
  // What the member answers comes after it.
  await until('the answer', () => messages.length > count);
}

test.each([
  [{ type: 'serves', maxRequestSize: 'much', timeout: 1_000 }, 'maxRequestSize'],
  [{ type: 'serves', maxRequestSize: -1, timeout: 1_000 }, 'maxRequestSize'],
  [{ type: 'serves', maxRequestSize: 1_000, timeout: Number.NaN }, 'timeout'],
  [{ type: 'serves', maxRequestSize: 1_000 }, 'timeout'],
])('a control message with an invalid field is logged and ignored: %o', async (message, field) => {
  const { pool, messages, exits } = watch([member('echo')], { listen: { host: '127.0.0.1', port: 0 } });
  await pool.start();
  await sendControl(pool, messages, message);
  await until('the warning', () => warnings.length > 0);
  expect(warnings).toEqual([
    expect.objectContaining({
      code: 'MILLRACE_BAD_MESSAGE',
      message: `A control message of the kind 'serves' with an invalid '${field}' is ignored.`,
    }),
  ]);
  expect(exits).toEqual([]);
});

test('a control message of an unknown kind is logged and ignored, and runs no action', async () => {
  const { pool, messages, exits } = watch([member('echo')]);
  await pool.start();
  const { pid } = pool.members[0] as Member;
  await sendControl(pool, messages, { type: 'constructor' });
  await until('the warning', () => warnings.length > 0);
  expect(warnings[0]).toMatchObject({ code: 'MILLRACE_UNKNOWN_MESSAGE' });
  expect([pool.members[0]?.pid, exits]).toEqual([pid, []]);
});
