import { expect, test } from 'vitest';
import * as layout from '../../src/transport/datagram-layout.js';
import { Reassembly } from '../../src/transport/reassembly.js';

const LIMIT = 1_000;

function piece(sender: number, number: number, total: number, length: number): Buffer {
  const datagram = Buffer.alloc(layout.PIECE_HEADER_BYTES + length, sender);
  datagram.writeUInt32LE(sender, layout.SENDER_AT);
  datagram.writeUInt32LE(number, layout.NUMBER_AT);
  datagram.writeUInt32LE(total, layout.TOTAL_AT);
  return datagram;
}

test('messages of several senders are put together, whatever order their pieces come in', () => {
  const reassembly = new Reassembly(LIMIT);
  expect(reassembly.add(piece(1, 1, 20, 10), 0, layout.FIRST, 10)).toBeUndefined();
  expect(reassembly.add(piece(2, 1, 30, 10), 0, layout.FIRST, 10)).toBeUndefined();
  expect(reassembly.add(piece(1, 1, 20, 10), 0, layout.MORE, 10)).toEqual(Buffer.alloc(20, 1));
  expect(reassembly.add(piece(2, 1, 30, 20), 0, layout.MORE, 20)).toEqual(Buffer.alloc(30, 2));
  expect(reassembly.dropped).toBe(0);
});

test('what dead senders left unfinished is bounded in bytes and in number, the oldest going first', () => {
  const reassembly = new Reassembly(LIMIT);
  for (let sender = 1; sender <= 5; sender++) {
    reassembly.add(piece(sender, 1, LIMIT, 10), 0, layout.FIRST, 10);
  }
  // Two of the largest fit.
  expect(reassembly.dropped).toBe(3);
  expect(reassembly.add(piece(3, 1, LIMIT, 10), 0, layout.MORE, 10)).toBeUndefined();
  expect(reassembly.add(piece(5, 1, LIMIT, LIMIT - 10), 0, layout.MORE, LIMIT - 10)).toHaveLength(LIMIT);
  for (let sender = 10; sender < 10 + 2 * layout.MAX_UNFINISHED; sender++) {
    reassembly.add(piece(sender, 1, 10, 1), 0, layout.FIRST, 1);
  }
  expect(reassembly.dropped).toBeGreaterThanOrEqual(3 + layout.MAX_UNFINISHED);
});

test('a piece without its beginning is skipped, one beyond its message is an error', () => {
  const reassembly = new Reassembly(LIMIT);
  expect(reassembly.add(piece(1, 1, 20, 10), 0, layout.MORE, 10)).toBeUndefined();
  reassembly.add(piece(1, 2, 20, 10), 0, layout.FIRST, 10);
  expect(() => reassembly.add(piece(1, 2, 20, 11), 0, layout.MORE, 11)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_PIPE_CORRUPT' }),
  );
  expect(() => reassembly.add(piece(2, 1, LIMIT + 1, 10), 0, layout.FIRST, 10)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_PIPE_CORRUPT' }),
  );
});
