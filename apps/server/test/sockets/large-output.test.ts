import { expect, test } from 'vitest';
import { LARGE_OUTPUT, LARGE_OUTPUT_MARK } from '../../src/constants.js';
import type { SessionId } from '../../src/contract/ids.js';
import type { OutputWindow } from '../../src/sessions/output-window.js';
import { type OutputSource, SessionGateway } from '../../src/sessions/session-gateway.js';

/** What a socket sends by a link of which the test says what waits there: how many bytes went, each time that it tried. */
function socketOver(link: { queuedBytes: number; unreadBytes: number }) {
  const sent: number[] = [];
  const channel = {
    get queuedBytes() {
      return link.queuedBytes;
    },
    get unreadBytes() {
      return link.unreadBytes;
    },
    send({ start, end }: { start: number; end: number }) {
      sent.push(end - start);
      return true;
    },
  };
  const gateway = new SessionGateway({
    channels: [channel],
    table: { open: () => 0, words: new Int32Array(64) },
    ports: [{ socketBufferSize: 8 << 20, bufferHighWatermark: 1 << 19 }],
    own: new Float64Array(64),
    trace: { note: () => {} },
  } as never);
  const window = { pending: () => 0, sent: () => {} } as unknown as OutputWindow;
  const offer = (bytes: number, isEnding = false) => {
    const source: OutputSource = { isEnding, auxOf: () => 0 };
    return gateway.offer(1 as SessionId, Buffer.alloc(bytes), 0, bytes, true, source, window);
  };
  return { offer, sent };
}

const SMALL = LARGE_OUTPUT;
const LARGE = LARGE_OUTPUT + 1;

test.each([
  ['has half of a ring before it', { queuedBytes: 0, unreadBytes: LARGE_OUTPUT_MARK + 1 }],
  ['is full', { queuedBytes: 1, unreadBytes: 0 }],
])('to a link that %s a large piece waits in its socket, and small ones go', (_, link) => {
  const { offer, sent } = socketOver(link);
  expect([offer(LARGE), offer(SMALL), offer(LARGE)]).toEqual(['refused', 'sent', 'refused']);
  expect(sent).toEqual([SMALL]);
});

test('a large piece goes once the link has room again', () => {
  const link = { queuedBytes: 1, unreadBytes: LARGE_OUTPUT_MARK + 1 };
  const { offer, sent } = socketOver(link);
  expect(offer(LARGE)).toBe('refused');
  link.queuedBytes = 0;
  link.unreadBytes = LARGE_OUTPUT_MARK;
  expect(offer(LARGE)).toBe('sent');
  expect(sent).toEqual([LARGE]);
});

test('what a socket has written before it is destroyed goes at once, however much waits', () => {
  const { offer, sent } = socketOver({ queuedBytes: 1, unreadBytes: LARGE_OUTPUT_MARK + 1 });
  expect(offer(LARGE, true)).toBe('sent');
  expect(sent).toEqual([LARGE]);
});
