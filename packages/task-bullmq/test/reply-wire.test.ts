import { Frame, msgpackCodec } from '@millrace/channel';
import type { Reply } from '@millrace/task-broker';
import { expect, test } from 'vitest';
import { ReplyWire } from '../src/reply-wire.js';

const REPLY: Reply = {
  id: 'a',
  kind: 'done',
  attempt: 1,
  host: 'h',
  sequence: 0,
  ran: 2,
  body: Buffer.of(1, 7),
};
const { id, kind, attempt, host, sequence, ran, body } = REPLY;
const wire = new ReplyWire();

function pack(value: unknown): Buffer {
  const frame = new Frame();
  msgpackCodec<unknown>().encode(value, frame);
  const bytes = Buffer.alloc(frame.length);
  frame.copyTo(bytes, 0);
  return bytes;
}

test('a reply is what was encoded', () => {
  expect(wire.decode(wire.encode(REPLY))).toEqual(REPLY);
});

test.each([
  ['no bytes', Buffer.alloc(0)],
  ['bytes that are no MessagePack', Buffer.from('c1c1c1', 'hex')],
  ['half a reply', wire.encode(REPLY).subarray(0, 9)],
  ['a number', pack(7)],
  ['an object', pack({ id })],
  ['a list that is too short', pack([id, kind, attempt])],
  ['another kind', pack([id, 'lost', attempt, host, sequence, ran, body])],
  ['an id that is no text', pack([7, kind, attempt, host, sequence, ran, body])],
  ['a body that is no bytes', pack([id, kind, attempt, host, sequence, ran, 'body'])],
])('%s in a caller’s stream is no reply', (_what, bytes) => {
  expect(wire.decode(bytes)).toBeUndefined();
});
