// RFC 7692: messages that are compressed, as far as both sides can tell.

import { DONE, NOT_UTF8, ofBinary, ofPong, ofText, PROTOCOL, type ProtocolCase } from './cases.js';
import {
  BINARY,
  begins,
  binary,
  CLOSE,
  CONTINUATION,
  deflated,
  ends,
  FIN,
  frame,
  PING,
  ping,
  RSV1,
  RSV2,
  TEXT,
  text,
} from './frames.js';

const packed = (opcode: number, payload: Buffer | string, windowBits?: number) =>
  frame({ first: FIN | RSV1 | opcode, payload: deflated(payload, windowBits) });

const OFFERS = [
  'permessage-deflate',
  'permessage-deflate; client_no_context_takeover',
  'permessage-deflate; server_no_context_takeover',
  'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
  'permessage-deflate; client_max_window_bits',
  ...[9, 12, 15].map((bits) => `permessage-deflate; server_max_window_bits=${bits}`),
  ...[9, 12, 15].map((bits) => `permessage-deflate; client_max_window_bits=${bits}`),
];
const SIZES = [0, 1, 16, 64, 256, 1_024, 4_096, 32_768, 65_536, 131_072];
const PLAIN = 'permessage-deflate';
const LINE = 'the quick brown fox jumps over the lazy dog, ';

const [half, rest] = halves(deflated(LINE.repeat(20)));

function halves(bytes: Buffer): [Buffer, Buffer] {
  const middle = bytes.length >> 1;
  return [bytes.subarray(0, middle), bytes.subarray(middle)];
}

const windowOf = (offer: string) => Number(/client_max_window_bits=(\d+)/.exec(offer)?.[1] ?? 15);

const offered = OFFERS.map((extensions): ProtocolCase => {
  const messages = [16, 1_024, 40_000].map((size) => LINE.repeat(size / LINE.length + 1).slice(0, size));
  return {
    ...{ section: 'compression', says: `${extensions}, and three messages` },
    sent: messages.map((message) => packed(TEXT, message, windowOf(extensions))),
    expected: [...messages.map((message) => ofText(message)), DONE],
    extensions,
  };
});

const sized = SIZES.flatMap((size): ProtocolCase[] => {
  const payload = Buffer.alloc(size, LINE);
  return [
    {
      ...{ section: 'compression', extensions: PLAIN, says: `a text of ${size} bytes` },
      sent: [packed(TEXT, payload)],
      expected: [ofText(payload), DONE],
    },
    {
      ...{ section: 'compression', extensions: PLAIN, says: `${size} bytes` },
      sent: [packed(BINARY, payload)],
      expected: [ofBinary(payload), DONE],
    },
  ];
});

type Row = readonly [says: string, sent: readonly Buffer[], expected: readonly string[]];

const mixed = (
  [
    ['messages that are not compressed', [text('a'), binary('b')], [ofText('a'), ofBinary('b'), DONE]],
    [
      'both kinds, and a ping',
      [packed(TEXT, 'a'), text('b'), ping('p'), packed(BINARY, 'c')],
      [ofText('a'), ofText('b'), ofPong('p'), ofBinary('c'), DONE],
    ],
    [
      'a message in two fragments',
      [frame({ first: RSV1 | TEXT, payload: half }), ends(rest)],
      [ofText(LINE.repeat(20)), DONE],
    ],
    [
      'a message in two fragments and a ping between',
      [frame({ first: RSV1 | TEXT, payload: half }), ping('p'), ends(rest)],
      [ofPong('p'), ofText(LINE.repeat(20)), DONE],
    ],
    [
      'the bit in a later fragment',
      [begins(TEXT, 'a'), frame({ first: FIN | RSV1 | CONTINUATION, payload: 'b' })],
      [PROTOCOL],
    ],
    ['the bit in a ping', [frame({ first: FIN | RSV1 | PING })], [PROTOCOL]],
    ['the bit in a close', [frame({ first: FIN | RSV1 | CLOSE })], [PROTOCOL]],
    ['another bit', [frame({ first: FIN | RSV1 | RSV2 | TEXT, payload: deflated('a') })], [PROTOCOL]],
    [
      'bytes that are not compressed, with the bit',
      [frame({ first: FIN | RSV1 | TEXT, payload: Buffer.from('ffffff', 'hex') })],
      [NOT_UTF8],
    ],
    ['a text that is not UTF-8', [packed(TEXT, Buffer.from('eda080', 'hex'))], [NOT_UTF8]],
  ] satisfies Row[]
).map(
  ([says, sent, expected]): ProtocolCase => ({
    section: 'compression',
    extensions: PLAIN,
    says,
    sent,
    expected,
  }),
);

export const DEFLATE_CASES: readonly ProtocolCase[] = [...offered, ...sized, ...mixed];
