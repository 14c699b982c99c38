import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PIECE_BEGINS, PIECE_ENDS } from '../../../src/links/packet.js';
import { RequestCutter } from '../../../src/reactor/http/request-cutter.js';

const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9];

/** A frame of a client. */
function frame(opcode: number, length: number, { fin = true, reserved = 0, masked = true } = {}): Buffer {
  const first = (fin ? 0x80 : 0) | reserved | opcode;
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? [first, mask | length]
      : length < 0x1_0000
        ? [first, mask | 126, length >> 8, length & 0xff]
        : [
            first,
            mask | 127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0, 7), Buffer.alloc(length, 'x')]);
}

interface Piece {
  readonly request: number;
  readonly begins: boolean;
  readonly ends: boolean;
  readonly bytes: Buffer;
}

/** What a cutter makes of bytes that come in parts of those lengths. */
function cut(all: Buffer, parts: (left: number) => number): { pieces: Piece[]; cutter: RequestCutter } {
  const cutter = new RequestCutter();
  cutter.cutMessages();
  const pieces: Piece[] = [];
  let kept = Buffer.alloc(0);
  for (let at = 0; at < all.length; ) {
    const take = Math.max(1, Math.min(parts(all.length - at), all.length - at));
    let scanned = kept.length;
    kept = Buffer.concat([kept, all.subarray(at, at + take)]);
    at += take;
    for (let length = 1; kept.length > 0; kept = kept.subarray(length)) {
      length = cutter.measure(kept, 0, kept.length, scanned);
      scanned = 0;
      if (length === 0) break;
      const { request, flags } = cutter;
      pieces.push({
        request,
        begins: (flags & PIECE_BEGINS) !== 0,
        ends: (flags & PIECE_ENDS) !== 0,
        bytes: kept.subarray(0, length),
      });
    }
  }
  return { pieces, cutter };
}

const whole = (bytes: Buffer) => cut(bytes, (left) => left);

test('each message is a piece with a number of its own, and so is a control frame between two', () => {
  const { pieces } = whole(Buffer.concat([frame(TEXT, 5), frame(PING, 0), frame(BINARY, 300)]));
  expect(pieces.map(({ request, begins, ends, bytes }) => [request, begins, ends, bytes.length])).toEqual([
    [1, true, true, 11],
    [2, true, true, 6],
    [3, true, true, 308],
  ]);
});

test('a control frame inside of a message belongs to it', () => {
  const parts = [frame(TEXT, 5, { fin: false }), frame(PING, 4), frame(0, 5, { fin: false }), frame(0, 0)];
  const { pieces } = whole(Buffer.concat(parts));
  expect(pieces.map(({ request, begins, ends }) => [request, begins, ends])).toEqual([
    [1, true, false],
    [1, false, false],
    [1, false, false],
    [1, false, true],
  ]);
});

test('a frame waits until it is whole, unless it is long', () => {
  const short = frame(TEXT, 10_000);
  expect(whole(short.subarray(0, 9_000)).pieces).toEqual([]);
  const long = frame(TEXT, 70_000);
  const { pieces } = cut(long, () => 30_000);
  expect(pieces.map(({ begins, ends, bytes }) => [begins, ends, bytes.length])).toEqual([
    [true, false, 30_000],
    [false, false, 30_000],
    [false, true, long.length - 60_000],
  ]);
});

test.each([
  ['has no mask', frame(TEXT, 5, { masked: false })],
  ['has a reserved bit', frame(TEXT, 5, { reserved: 0x20 })],
  ['has an opcode that there is not', frame(3, 5)],
  ['goes on with nothing', frame(0, 5)],
  ['controls in parts', frame(PING, 5, { fin: false })],
  ['controls at length', frame(CLOSE, 126)],
  ['is longer than a number tells', Buffer.from([0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])],
])('from a frame on that %s nothing is cut', (_, odd) => {
  const { pieces, cutter } = whole(Buffer.concat([frame(TEXT, 1), odd, frame(TEXT, 1)]));
  expect(cutter.cutsMessages).toBe(false);
  expect(cutter.isOpaque).toBe(true);
  expect(pieces.map(({ request, begins, ends }) => [request, begins, ends])).toEqual([
    [1, true, true],
    [2, true, false],
  ]);
});

test('a message that begins within another one is odd as well', () => {
  const { pieces, cutter } = whole(Buffer.concat([frame(TEXT, 1, { fin: false }), frame(TEXT, 1)]));
  expect(cutter.isOpaque).toBe(true);
  expect(pieces.map(({ request, begins, ends }) => [request, begins, ends])).toEqual([
    [1, true, false],
    [1, false, false],
  ]);
});

test('however the bytes come, the pieces of each message are its bytes, in their order', () => {
  const message = fc.record({
    lengths: fc.array(fc.oneof(fc.nat(130), fc.nat(70_000)), { minLength: 1, maxLength: 3 }),
    ping: fc.boolean(),
    first: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 5 }),
      fc.array(fc.nat(40_000), { minLength: 1 }),
      (messages, sizes) => {
        const expected: Buffer[] = [];
        for (const { lengths, ping, first } of messages) {
          if (first) expected.push(frame(PING, 3));
          const frames = lengths.map((length, at) =>
            frame(at === 0 ? TEXT : 0, length, { fin: at + 1 === lengths.length }),
          );
          if (ping && frames.length > 1) frames.splice(1, 0, frame(PING, 2));
          expected.push(Buffer.concat(frames));
        }
        let turn = 0;
        const { pieces, cutter } = cut(Buffer.concat(expected), () => sizes[turn++ % sizes.length] as number);
        const got: Buffer[] = [];
        for (const { request, begins, bytes } of pieces) {
          if (begins) got.push(bytes);
          else got[request - 1] = Buffer.concat([got[request - 1] as Buffer, bytes]);
        }
        expect(got.length).toBe(expected.length);
        for (const [at, bytes] of expected.entries()) expect(bytes.equals(got[at] as Buffer)).toBe(true);
        expect(pieces.filter(({ ends }) => ends).length).toBe(expected.length);
        expect(cutter.cutsMessages).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});
