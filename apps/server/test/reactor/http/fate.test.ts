import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fate, fateOf, isAfter, type Progress } from '../../../src/reactor/http/fate.js';
import { PROGRESS_INSIDE } from '../../../src/shared/connection-layout.js';

const FRESH: Progress = {
  isStream: false,
  isOpaque: false,
  upgraded: false,
  resumable: false,
  speaks: false,
  outputEnded: false,
  sent: 0,
  inside: false,
  answered: 0,
  begun: false,
};

describe('what becomes of a client whose worker has died', () => {
  const IDLE = { sent: 4, answered: 4 };
  const OPAQUE = { sent: 5, answered: 4, inside: true, isOpaque: true };
  const UPGRADED = { ...OPAQUE, upgraded: true, speaks: true };
  const RESUMABLE = { ...UPGRADED, isOpaque: false, resumable: true, sent: 9, inside: false };
  test.each<[what: string, client: Partial<Progress>, word: number, fate: Fate]>([
    ['it has sent nothing', {}, 0, 'goes-on'],
    ['all is answered', IDLE, 4, 'goes-on'],
    ['a request lies before the worker, which has not begun to take it', { ...IDLE, sent: 5 }, 4, 'goes-on'],
    ['a part of one does', { ...IDLE, sent: 5, inside: true }, 4, 'goes-on'],
    ['several do', { ...IDLE, sent: 9 }, 4, 'goes-on'],
    ['a request is taken', { ...IDLE, sent: 5 }, 5, 'bad-gateway'],
    ['a part of one is taken', { ...IDLE, sent: 5, inside: true }, 5 | PROGRESS_INSIDE, 'bad-gateway'],
    ['one is taken, another one lies before the worker', { ...IDLE, sent: 6 }, 5, 'bad-gateway'],
    ['several are taken', { sent: 7, answered: 4 }, 7, 'bad-gateway'],
    ['an answer has begun', { ...IDLE, sent: 5, begun: true }, 5, 'reset'],
    ['an answer has begun behind whole ones', { sent: 9, answered: 6, begun: true }, 8, 'reset'],
    [
      'it was answered before it was read to the end',
      { ...IDLE, inside: true },
      4 | PROGRESS_INSIDE,
      'goes-on',
    ],
    ['the end of it lies before the worker', IDLE, 4 | PROGRESS_INSIDE, 'goes-on'],
    ['the worker says it had the end, which it was not sent', { ...IDLE, inside: true }, 4, 'goes-on'],
    ['the worker had said that it sends no more', { ...IDLE, outputEnded: true }, 4, 'closed'],
    ['what is not cut is not taken', OPAQUE, 4, 'goes-on'],
    ['what is not cut is taken', OPAQUE, 5 | PROGRESS_INSIDE, 'bad-gateway'],
    ['something of what is not cut is answered', { ...OPAQUE, answered: 5 }, 5 | PROGRESS_INSIDE, 'reset'],
    ['more of it is answered', { ...OPAQUE, answered: 8 }, 5 | PROGRESS_INSIDE, 'reset'],
    ['an answer to it has begun', { ...OPAQUE, begun: true }, 5 | PROGRESS_INSIDE, 'reset'],
    ['a WebSocket is between two frames', UPGRADED, 5, 'going-away'],
    ['one that can be resumed is between two messages', RESUMABLE, 9, 'goes-on'],
    ['messages of it lie before the worker', RESUMABLE, 7, 'goes-on'],
    ['a part of one does', { ...RESUMABLE, inside: true }, 8, 'goes-on'],
    ['a part of one is taken', { ...RESUMABLE, inside: true }, 9 | PROGRESS_INSIDE, 'going-away'],
    ['the rest of one lies before the worker', RESUMABLE, 9 | PROGRESS_INSIDE, 'going-away'],
    [
      'the worker says it had all of one, which it was not sent',
      { ...RESUMABLE, inside: true },
      9,
      'going-away',
    ],
    ['the worker says it had more than it was sent', RESUMABLE, 10, 'going-away'],
    ['it is in a frame of its own', { ...RESUMABLE, begun: true }, 9, 'reset'],
    ['its client has not got the handshake', { ...RESUMABLE, speaks: false, sent: 5 }, 5, 'bad-gateway'],
    ['a WebSocket is in a frame, or it is none', { ...UPGRADED, begun: true }, 5, 'reset'],
    [
      'it is upgraded, of which nothing has come to the client',
      { ...UPGRADED, speaks: false },
      5,
      'bad-gateway',
    ],
    ['it is no HTTP', { isStream: true, isOpaque: true, sent: 1 }, 1 | PROGRESS_INSIDE, 'reset'],
    ['it is no HTTP, and no program has seen it', { isStream: true, isOpaque: true, sent: 1 }, 0, 'goes-on'],
    ['the numbers begin anew', { sent: 1, answered: 0xff_ffff }, 0, 'bad-gateway'],
    ['the numbers begin anew, and it is not taken', { sent: 1, answered: 0 }, 0, 'goes-on'],
  ])('%s', (_, client, word, fate) => {
    expect(fateOf({ ...FRESH, ...client }, word)).toBe(fate);
  });

  test('whatever a worker has written: a client that waits for an answer is told', () => {
    const bit = fc.boolean();
    const number = fc.oneof(fc.nat(20), fc.nat(0xff_ffff));
    const clients = fc.record({ sent: number, inside: bit, answered: number, begun: bit, isOpaque: bit });
    fc.assert(
      fc.property(clients, fc.nat(0xffff_ffff), (client, word) => {
        const fate = fateOf({ ...FRESH, ...client }, word | 0);
        if (fate !== 'goes-on') return;
        const taken = word & 0xff_ffff;
        expect(client.begun || isAfter(taken, client.answered) || isAfter(taken, client.sent)).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });
});
