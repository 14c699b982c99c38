import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { responseAux } from '../../src/links/packet.js';
import { GatheredOutput, RECORD_BYTES } from '../../src/sockets/gathered-output.js';
import { ResponseLedger } from '../../src/sockets/response-ledger.js';
import { remoteEnd } from '../../src/sockets/socket-host.js';
import { WebSocketFrames } from '../../src/sockets/websocket-frames.js';

describe('GatheredOutput', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 50 }),
    fc.uint8Array({ maxLength: 50 }),
    fc.nat(600_000).map((length) => Buffer.alloc(length, 'x')),
    fc.nat(200_000).map((length) => 'ü'.repeat(length)),
  );
  const bytesOf = (each: string | Uint8Array) => (typeof each === 'string' ? Buffer.from(each) : each);

  test('gives what it was given, in order and in records with room, whatever stops on the way', () => {
    const answers = fc.infiniteStream(fc.constantFrom('sent', 'sent', 'enough', 'refused'));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), answers, (pieces, answer) => {
        const output = new GatheredOutput();
        for (const each of pieces) output.add(each, 'utf8');
        const all = Buffer.concat(pieces.map(bytesOf));
        expect(output.bytes).toBe(all.length);
        const taken: Buffer[] = [];
        for (let tries = 0; !output.empty; tries++)
          output.give((bytes, start, end, last) => {
            const result = tries > 50 ? 'sent' : (answer.next().value as 'sent' | 'enough' | 'refused');
            expect(end - start).toBeLessThanOrEqual(RECORD_BYTES);
            if (result !== 'refused') taken.push(Buffer.from(bytes.subarray(start, end)));
            const length = taken.reduce((sum, each) => sum + each.length, 0);
            if (result !== 'refused') expect(last).toBe(length === all.length);
            return result;
          });
        expect(Buffer.concat(taken).equals(all)).toBe(true);
        expect(output.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('makes one record of what one turn has written', () => {
    const output = new GatheredOutput();
    output.add('HTTP/1.1 200 OK\r\n\r\n', 'latin1');
    output.add(Buffer.from('body'), undefined);
    const records: string[] = [];
    output.give((bytes, start, end) => {
      records.push(Buffer.from(bytes.subarray(start, end)).toString());
      return 'sent';
    });
    expect(records).toEqual(['HTTP/1.1 200 OK\r\n\r\nbody']);
  });
});

describe('ResponseLedger', () => {
  const response = (more = {}) => ({
    finished: false,
    _headerSent: true,
    outputData: [],
    _header: 'HTTP/1.1 200 OK' as string | null,
    shouldKeepAlive: true,
    ...more,
  });

  test('says of the bytes of a whole answer that it ends with them', () => {
    const ledger = new ResponseLedger();
    ledger.response = response({ finished: true });
    ledger.settle(true);
    expect(ledger.aux(true)).toBe(responseAux(1, false));
    ledger.response = null;
    expect(ledger.owes).toBe(false);
  });

  test('says of the first bytes of an answer that it has begun, and of the last that it has ended', () => {
    const ledger = new ResponseLedger();
    const answer = response();
    ledger.response = answer;
    ledger.settle(true);
    expect(ledger.aux(true)).toBe(responseAux(0, true));
    expect(ledger.isAnswering).toBe(true);
    answer.finished = true;
    ledger.settle(true);
    expect(ledger.aux(true)).toBe(responseAux(1, false));
    expect(ledger.isAtBoundary).toBe(true);
  });

  test('says of an interim response nothing', () => {
    const ledger = new ResponseLedger();
    ledger.response = response({ _headerSent: false });
    ledger.settle(true);
    expect(ledger.aux(true)).toBe(responseAux(0, false));
  });

  test('owes the word of an answer that ended without more bytes', () => {
    const ledger = new ResponseLedger();
    ledger.response = response();
    expect(ledger.aux(true)).toBe(responseAux(0, true));
    ledger.response = null;
    expect(ledger.owes).toBe(true);
    expect(ledger.aux(true)).toBe(responseAux(1, false));
  });

  test('has a request that was answered before it came whole answered once', () => {
    const ledger = new ResponseLedger();
    expect(ledger.answered(1)).toBe(0);
    expect(ledger.isWhole()).toBe(true);
    expect(ledger.isAtBoundary).toBe(true);
    expect(ledger.isWhole()).toBe(false);
    expect(ledger.isAtBoundary).toBe(false);
    expect(ledger.answered(1)).toBe(1);
    expect(ledger.isAtBoundary).toBe(true);
  });

  test('ends the connection with the answer that has no head yet, and leaves one that has alone', () => {
    const ledger = new ResponseLedger();
    const told = response();
    ledger.response = told;
    ledger.endWithAnswer();
    expect(told.shouldKeepAlive).toBe(true);
    const untold = response({ _header: null });
    ledger.response = untold;
    ledger.endWithAnswer();
    expect(untold.shouldKeepAlive).toBe(false);
  });

  test('counts pipelined answers that leave together', () => {
    const ledger = new ResponseLedger();
    ledger.response = response({ finished: true });
    ledger.response = response({ finished: true });
    ledger.response = response();
    ledger.settle(true);
    expect(ledger.aux(true)).toBe(responseAux(2, true));
  });

  test('has an answer not ended while some of it has not been handed over', () => {
    const ledger = new ResponseLedger();
    ledger.response = response({ finished: true, outputData: ['more'] });
    ledger.settle(true);
    expect(ledger.aux(true)).toBe(responseAux(0, true));
    ledger.response = response({ finished: true });
    ledger.settle(false);
    expect(ledger.isAnswering).toBe(true);
  });
});

describe('WebSocketFrames', () => {
  const HEAD =
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nupgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\n';
  const BOUNDARY = responseAux(1, false);
  const INSIDE = responseAux(0, true);
  const frame = (length: number): Buffer => {
    const head =
      length < 126
        ? [0x82, length]
        : length < 65_536
          ? [0x82, 126, length >> 8, length & 255]
          : [0x82, 127, 0, 0, 0, 0, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255];
    return Buffer.concat([Buffer.from(head), Buffer.alloc(length)]);
  };

  test('finds every end of a frame, and no other place, however the bytes are cut', () => {
    const lengths = fc.array(fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000)), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(lengths, fc.infiniteStream(fc.integer({ min: 1, max: 40_000 })), (sizes, cut) => {
        const all = Buffer.concat([Buffer.from(HEAD), ...sizes.map(frame)]);
        const ends = new Set([HEAD.length]);
        for (const size of sizes) ends.add(Math.max(...ends) + frame(size).length);
        const frames = new WebSocketFrames();
        for (let at = 0; at < all.length; ) {
          const end = Math.min(all.length, at + (cut.next().value as number));
          expect(frames.aux(all, at, end)).toBe(ends.has(end) ? BOUNDARY : INSIDE);
          at = end;
        }
      }),
    );
  });

  test('takes nothing else for a WebSocket', () => {
    for (const head of [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: mqtt\r\n\r\n',
      'HTTP/1.1 200 Connection Established\r\n\r\n',
      'HTTP/1.1 400 Bad Request\r\nUpgrade: websocket\r\n\r\n',
    ]) {
      const frames = new WebSocketFrames();
      const bytes = Buffer.concat([Buffer.from(head), frame(3)]);
      expect(frames.aux(bytes, 0, head.length)).toBe(INSIDE);
      expect(frames.aux(bytes, head.length, bytes.length)).toBe(INSIDE);
    }
  });
});

test('remoteEnd reads what CONNECT tells of a client', () => {
  expect(remoteEnd('192.0.2.1:40000')).toEqual({ address: '192.0.2.1', port: 40_000, family: 'IPv4' });
  expect(remoteEnd('[2001:db8::1]:9')).toEqual({ address: '2001:db8::1', port: 9, family: 'IPv6' });
  expect(remoteEnd('')).toEqual({});
});
