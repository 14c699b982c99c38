import { CONTINUE } from '@millrace/channel';
import { createSocketPair, SOCK_SEQPACKET, syscalls } from '@millrace/native/syscalls';
import { randomNumbers } from '@millrace/testkit';
import { expect, test } from 'vitest';
import * as layout from '../../src/transport/datagram-layout.js';
import { Incoming } from '../../src/transport/incoming.js';
import { Reassembly } from '../../src/transport/reassembly.js';

/** Datagrams for each decoder; all of them with MILLRACE_STRESS. */
const INPUTS = process.env.MILLRACE_STRESS ? 1_000_000 : 100_000;
const LIMIT = 100_000;

/** Fields that a mutation is likely to make interesting: nothing, a little, the limits and what is beyond them. */
const VALUES = [0, 1, 2, 3, 8, 20, 63, LIMIT, LIMIT + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

function mutate(datagram: Buffer, next: (below: number) => number): number {
  let length = 0;
  while (length < 200) {
    const kind = 1 + next(3);
    const header = kind === layout.WHOLE ? layout.WHOLE_HEADER_BYTES : layout.PIECE_HEADER_BYTES;
    const body = next(60);
    datagram.fill(next(256), length, length + header + body);
    datagram.writeUInt32LE(body, length + layout.LENGTH_AT);
    datagram.writeUInt32LE(kind, length + layout.KIND_AT);
    if (kind !== layout.WHOLE) {
      datagram.writeUInt32LE(next(100), length + layout.SENDER_AT);
      datagram.writeUInt32LE(next(3), length + layout.NUMBER_AT);
      datagram.writeUInt32LE(next(4) === 0 ? LIMIT : body * (1 + next(3)), length + layout.TOTAL_AT);
    }
    length += header + body;
  }
  if (next(3) > 0) datagram.writeUInt32LE(VALUES[next(VALUES.length)] as number, next(length >> 2) * 4);
  if (next(8) === 0) length = 1 + next(length);
  return length;
}

test('a datagram of any bytes is messages, pieces, or an error, and what is kept of them is bounded', {
  timeout: 600_000,
}, () => {
  const [left, right] = createSocketPair(SOCK_SEQPACKET);
  const next = randomNumbers(0x5eed);
  const datagram = Buffer.alloc(512);
  let incoming = new Incoming(right, LIMIT);
  let visited = 0;
  let corrupt = 0;
  let most = 0;
  const visit = (memory: Buffer, start: number, end: number) => {
    if (start < 0 || end < start || end > memory.length || end - start > LIMIT)
      throw new Error('out of bounds');
    visited++;
    return CONTINUE;
  };
  for (let i = 0; i < INPUTS; i++) {
    syscalls.send(left, datagram, 0, mutate(datagram, next));
    try {
      while (incoming.read(visit, 7) > 0);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MILLRACE_PIPE_CORRUPT') throw error;
      corrupt++;
      // A channel ends here; its successor reads on.
      if (corrupt % 100 === 0) incoming = new Incoming(right, LIMIT);
    }
    most = Math.max(most, incoming.unfinishedBytes);
  }
  expect(most).toBeLessThanOrEqual(2 * LIMIT);
  expect(visited).toBeGreaterThan(INPUTS / 10);
  expect(corrupt).toBeGreaterThan(INPUTS / 10);
  syscalls.close(left);
  syscalls.close(right);
});

test('pieces of any kind, order and number come to whole messages or to nothing', {
  timeout: 600_000,
}, () => {
  const next = randomNumbers(0xbad);
  const reassembly = new Reassembly(LIMIT);
  const datagram = Buffer.alloc(512);
  let whole = 0;
  let most = 0;
  for (let i = 0; i < INPUTS; i++) {
    const length = next(400);
    datagram.writeUInt32LE(next(5), layout.SENDER_AT);
    datagram.writeUInt32LE(next(2), layout.NUMBER_AT);
    datagram.writeUInt32LE(next(1_000), layout.TOTAL_AT);
    try {
      const message = reassembly.add(datagram, 0, layout.FIRST + next(2), length);
      if (message !== undefined) whole++;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_MILLRACE_PIPE_CORRUPT') throw error;
    }
    most = Math.max(most, reassembly.bytes);
  }
  expect(most).toBeLessThanOrEqual(2 * LIMIT);
  expect(whole).toBeGreaterThan(0);
});
