import { expect, test } from 'vitest';
import { Watch, Watched } from '../dist/load/watched.js';

/** A connection that keeps what is sent. */
function connected(bytes = 8) {
  const sent: Buffer[] = [];
  const watched = new Watched(bytes, 7);
  const connection = { write: (message: Buffer) => sent.push(Buffer.from(message)) > 0 };
  const watch = new Watch();
  return {
    watched,
    watch,
    sent,
    send: () => watched.send(connection as never),
    answer: (message: Buffer) => watched.answer(message, 0, message.length, watch),
  };
}

test('a message that is overdue and answered late is not lost', () => {
  const { watched, watch, sent, send, answer } = connected();
  send();
  expect(watched.overdue(performance.now() + 1)).toBe(true);
  send();
  answer(sent[0] as Buffer);
  answer(sent[1] as Buffer);
  expect(watched.idle).toBe(true);
  expect(watch.report()).toMatchObject({ answers: 2, lost: 0 });
});

test('a message is lost when one that was sent later is answered, until its answer comes after all', () => {
  const { watch, sent, send, answer } = connected();
  send();
  send();
  answer(sent[1] as Buffer);
  expect(watch.report()).toMatchObject({ answers: 1, lost: 1 });
  answer(sent[0] as Buffer);
  expect(watch.report().lost).toBe(0);
});

test('an answer that comes twice, or is not what was sent, is an error', () => {
  const { sent, send, answer } = connected();
  send();
  answer(sent[0] as Buffer);
  expect(() => answer(sent[0] as Buffer)).toThrow('answered twice');
  send();
  const wrong = Buffer.from(sent[1] as Buffer);
  wrong[wrong.length - 1]! ^= 1;
  expect(() => answer(wrong)).toThrow('differs from what was sent');
});

test('the slowest answer counts from when its message was sent first', async () => {
  const { watch, sent, send, answer } = connected();
  send();
  const before = performance.now();
  while (performance.now() - before < 5);
  send();
  answer(sent[0] as Buffer);
  expect(watch.report().slowest).toBeGreaterThanOrEqual(5);
});

test('a watch tells how long messages took that were under way at its beginning, not those of later', () => {
  const watch = new Watch();
  const begun = performance.now();
  while (performance.now() - begun < 25);
  watch.answered(performance.now());
  expect(watch.report().settled).toBe(0);
  watch.answered(begun - 1_000);
  expect(watch.report().settled).toBeGreaterThanOrEqual(25);
  expect(watch.report().settled).toBeLessThan(watch.report().slowest);
});
