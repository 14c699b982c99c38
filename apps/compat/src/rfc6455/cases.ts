// What RFC 6455 says of frames, pings, reserved bits, opcodes, fragments, UTF-8, the close and lengths (sections 5 to 8), in the order in
// which the Autobahn test suite has its cases. What is not said there, or is refused later than it may be, is as the package ws has it.

import {
  BINARY,
  begins,
  binary,
  CLOSE,
  CONTINUATION,
  close,
  closePayload,
  ends,
  FIN,
  frame,
  PING,
  PONG,
  ping,
  pong,
  RSV3,
  TEXT,
  text,
  told,
} from './frames.js';

export interface ProtocolCase {
  readonly section: string;
  readonly says: string;
  /** What the client sends, before a close frame with 1000. */
  readonly sent: readonly Buffer[];
  /** What the server sends, in words: `told`. The last is the answer to the close, or the reason why the server closes. */
  readonly expected: readonly string[];
  /** What the client offers by `Sec-WebSocket-Extensions`, to the server that compresses. */
  readonly extensions?: string;
  /** The client sends no close frame: it ends its side. */
  readonly isCut?: true;
}

const DONE = told(CLOSE, closePayload(1000));
const PROTOCOL = told(CLOSE, closePayload(1002));
const NOT_UTF8 = told(CLOSE, closePayload(1007));
const ofText = (payload: Buffer | string) => told(TEXT, payload);
const ofBinary = (payload: Buffer | string) => told(BINARY, payload);
const ofPong = (payload: Buffer | string = '') => told(PONG, payload);
const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

type Row = readonly [says: string, sent: readonly Buffer[], expected: readonly string[]];

const rows = (section: string, list: readonly Row[]): ProtocolCase[] =>
  list.map(([says, sent, expected]) => ({ section, says, sent, expected }));

const SIZES = [0, 1, 124, 125, 126, 127, 128, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537];

const framing = rows('frames', [
  ...SIZES.map((size): Row => {
    const payload = 'x'.repeat(size);
    return [`a text of ${size} bytes`, [text(payload)], [ofText(payload), DONE]];
  }),
  ...SIZES.map((size): Row => {
    const payload = Buffer.alloc(size, 0xfe);
    return [`${size} bytes`, [binary(payload)], [ofBinary(payload), DONE]];
  }),
  [
    'several messages at once',
    [text('a'), binary('b'), text('c')],
    [ofText('a'), ofBinary('b'), ofText('c'), DONE],
  ],
  [
    'a frame without a mask',
    [text('a'), frame({ first: FIN | TEXT, payload: 'b', isMasked: false })],
    [ofText('a'), PROTOCOL],
  ],
  ['a ping without a mask', [frame({ first: FIN | PING, isMasked: false })], [PROTOCOL]],
  // It must be said as shortly as it can be; ws does not mind.
  ...([2, 8] as const).map(
    (lengthBytes): Row => [
      `a length of 5 that is said in ${lengthBytes} bytes`,
      [frame({ first: FIN | TEXT, payload: 'hello', lengthBytes })],
      [ofText('hello'), DONE],
    ],
  ),
  [
    'a length beyond what a number holds',
    [Buffer.concat([Buffer.of(FIN | BINARY, 0xff, 0x80), Buffer.alloc(7), Buffer.alloc(4)])],
    [told(CLOSE, closePayload(1009))],
  ],
]);

const pings = rows('pings', [
  ['an empty ping', [ping()], [ofPong(), DONE]],
  ['a ping of text', [ping('Hello, world!')], [ofPong('Hello, world!'), DONE]],
  ['a ping of bytes', [ping(hex('00 ff fe fd fc fb 00 ff'))], [ofPong(hex('00 ff fe fd fc fb 00 ff')), DONE]],
  ['a ping of 125 bytes', [ping(Buffer.alloc(125, 0xfe))], [ofPong(Buffer.alloc(125, 0xfe)), DONE]],
  ['a ping of 126 bytes', [ping(Buffer.alloc(126, 0xfe))], [PROTOCOL]],
  [
    'ten pings at once',
    Array.from({ length: 10 }, (_, at) => ping(`${at}`)),
    [...Array.from({ length: 10 }, (_, at) => ofPong(`${at}`)), DONE],
  ],
  [
    'a ping between two messages',
    [text('a'), ping('p'), text('b')],
    [ofText('a'), ofPong('p'), ofText('b'), DONE],
  ],
]);

// The program sends a message for each pong that it hears.
const pongs = rows('pongs', [
  ['a pong that nobody has asked for', [pong()], [ofText('pong: '), DONE]],
  ['one with a payload', [pong('unasked')], [ofText('pong: unasked'), DONE]],
  ['one before a ping', [pong('unasked'), ping('p')], [ofText('pong: unasked'), ofPong('p'), DONE]],
  ['a pong of 126 bytes', [pong(Buffer.alloc(126))], [PROTOCOL]],
]);

const reserved = rows('reserved bits', [
  ...([1, 2, 3, 4, 5, 6, 7] as const).flatMap((bits): Row[] => {
    const rsv = bits * RSV3;
    return [
      [
        `${bits} in a text behind a text`,
        [text('a'), frame({ first: FIN | rsv | TEXT, payload: 'b' }), ping()],
        [ofText('a'), PROTOCOL],
      ],
      [`${bits} in bytes`, [frame({ first: FIN | rsv | BINARY, payload: 'b' })], [PROTOCOL]],
      [`${bits} in a ping`, [frame({ first: FIN | rsv | PING, payload: 'p' })], [PROTOCOL]],
      [`${bits} in a close`, [frame({ first: FIN | rsv | CLOSE })], [PROTOCOL]],
    ];
  }),
]);

const opcodes = rows(
  'opcodes',
  [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): Row[] => [
    [`${opcode}, which is none`, [frame({ first: FIN | opcode })], [PROTOCOL]],
    [
      `${opcode} with a payload, behind a text`,
      [text('a'), frame({ first: FIN | opcode, payload: 'b' }), ping()],
      [ofText('a'), PROTOCOL],
    ],
  ]),
);

const fragments = rows('fragments', [
  ['a ping in two fragments', [begins(PING, 'a'), ends('b')], [PROTOCOL]],
  ['a pong in two fragments', [begins(PONG, 'a'), ends('b')], [PROTOCOL]],
  ['a close in two fragments', [begins(CLOSE, closePayload(1000))], [PROTOCOL]],
  ['a text in two', [begins(TEXT, 'one'), ends('two')], [ofText('onetwo'), DONE]],
  [
    'bytes in three',
    [begins(BINARY, 'one'), begins(CONTINUATION, 'two'), ends('three')],
    [ofBinary('onetwothree'), DONE],
  ],
  [
    'a ping between two',
    [begins(TEXT, 'one'), ping('p'), ends('two')],
    [ofPong('p'), ofText('onetwo'), DONE],
  ],
  [
    'pings between each of them',
    [
      begins(TEXT, '1'),
      ping('p'),
      begins(CONTINUATION, '2'),
      ping('q'),
      begins(CONTINUATION, '3'),
      ping('r'),
      ends('4'),
    ],
    [ofPong('p'), ofPong('q'), ofPong('r'), ofText('1234'), DONE],
  ],
  [
    'a text and no bytes in three',
    [begins(TEXT, ''), begins(CONTINUATION, ''), ends('')],
    [ofText(''), DONE],
  ],
  [
    'a text in the middle of three',
    [begins(TEXT, ''), begins(CONTINUATION, 'middle'), ends('')],
    [ofText('middle'), DONE],
  ],
  ['a continuation of nothing', [ends('a'), text('b')], [PROTOCOL]],
  ['a continuation of nothing that others follow', [begins(CONTINUATION, 'a'), text('b')], [PROTOCOL]],
  ['a continuation behind a whole text', [text('a'), ends('b')], [ofText('a'), PROTOCOL]],
  ['a text before the last fragment of another', [begins(TEXT, 'a'), text('b')], [PROTOCOL]],
  ['bytes before the last fragment of a text', [begins(TEXT, 'a'), begins(BINARY, 'b')], [PROTOCOL]],
  [
    'two messages in fragments',
    [begins(TEXT, 'a'), ends('b'), begins(BINARY, 'c'), ends('d'), text('e')],
    [ofText('ab'), ofBinary('cd'), ofText('e'), DONE],
  ],
  [
    'a thousand of one byte',
    [begins(TEXT, 'x'), ...Array.from({ length: 998 }, () => begins(CONTINUATION, 'x')), ends('x')],
    [ofText('x'.repeat(1_000)), DONE],
  ],
  ['a close between two', [begins(TEXT, 'a'), close(1001)], [told(CLOSE, closePayload(1001))]],
]);

/** κόσμε; U+0000, U+FFFD, U+FFFE, U+FFFF, U+10FFFF and the bounds of each length. */
const VALID = [
  'Hello-µ@ßöäüàá-UTF-8!!',
  'κόσμε',
  '\u0000',
  '\u007f\u0080\u07ff\u0800\ufffd\ufffe\uffff',
  '\u{10000}\u{10ffff}',
  '\ud7ff\ue000',
];

/** What is wrong with it, and the bytes. */
const INVALID: readonly (readonly [string, string])[] = [
  ['a lone continuation byte', '80'],
  ['two of them', '80 bf'],
  ['a first byte without its second', 'c0 20'],
  ['a character that is cut off', 'ce ba e1 bd'],
  ['an overlong form of two bytes', 'c0 af'],
  ['of three', 'e0 80 af'],
  ['of four', 'f0 80 80 af'],
  ['of NUL', 'c0 80'],
  ['a first half of a surrogate', 'ed a0 80'],
  ['a last half', 'ed bf bf'],
  ['both halves', 'ed a0 80 ed b0 80'],
  ['a character beyond U+10FFFF', 'f4 90 80 80'],
  ['a form of five bytes', 'f8 88 80 80 80'],
  ['of six', 'fc 84 80 80 80 80'],
  ['FE', 'fe'],
  ['FF', 'ff'],
  ['text before and behind', 'ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64'],
];

const kosme = Buffer.from('κόσμε');

const utf8 = rows('UTF-8', [
  ...VALID.flatMap((valid): Row[] => [
    [`the text ${JSON.stringify(valid)}`, [text(valid)], [ofText(valid), DONE]],
    [`${JSON.stringify(valid)}, each byte a fragment`, apart(Buffer.from(valid)), [ofText(valid), DONE]],
  ]),
  [
    'a character in two fragments',
    [begins(TEXT, kosme.subarray(0, 3)), ends(kosme.subarray(3))],
    [ofText(kosme), DONE],
  ],
  ...INVALID.flatMap(([says, digits]): Row[] => [
    [`${says}`, [text(hex(digits))], [NOT_UTF8]],
    [
      `${says}, behind a text and before one`,
      [text('a'), text(hex(digits)), text('b')],
      [ofText('a'), NOT_UTF8],
    ],
    [`${says}, in a last fragment`, [begins(TEXT, 'a'), ends(hex(digits))], [NOT_UTF8]],
    [`${says}, in bytes`, [binary(hex(digits))], [ofBinary(hex(digits)), DONE]],
  ]),
  // The server could say so before the last fragment; ws does with it.
  ['a first fragment that is none, and no other', [begins(TEXT, hex('ff')), ping()], [ofPong(), DONE]],
]);

/** Each byte in a frame of its own. */
function apart(bytes: Buffer): Buffer[] {
  const last = bytes.length - 1;
  const first = begins(TEXT, '');
  return [
    first,
    ...[...bytes].map((byte, at) =>
      (at === last ? ends : (one: Buffer) => begins(CONTINUATION, one))(Buffer.of(byte)),
    ),
  ];
}

const KNOWN_CODES = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];
const WRONG_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const closing = rows('close', [
  ['two messages before it', [text('a'), text('b')], [ofText('a'), ofText('b'), DONE]],
  ['no payload', [close()], ['close']],
  ['a payload of one byte', [frame({ first: FIN | CLOSE, payload: 'a' })], [PROTOCOL]],
  ['a code and a reason', [close(1000, 'Bye, world')], ['close 1000 Bye, world']],
  ['a reason of 123 bytes', [close(1000, 'x'.repeat(123))], [`close 1000 ${'x'.repeat(123)}`]],
  ['a reason of 124 bytes', [close(1000, 'x'.repeat(124))], [PROTOCOL]],
  ['a reason that is not UTF-8', [close(1000, hex('ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80'))], [NOT_UTF8]],
  ['a second one', [close(1000), close(1001)], [DONE]],
  ['a ping behind it', [close(1000), ping()], [DONE]],
  ['a text behind it', [close(1000), text('late')], [DONE]],
  ['what is refused behind it', [close(1000), frame({ first: FIN | 5 })], [DONE]],
  ...KNOWN_CODES.flatMap((code): Row[] => [
    [`the code ${code}`, [close(code)], [`close ${code}`]],
    [`the code ${code} with a reason`, [close(code, 'why')], [`close ${code} why`]],
  ]),
  ...WRONG_CODES.map((code): Row => [`the code ${code}`, [close(code)], [PROTOCOL]]),
]);

const cut = rows('an end without a close', [
  ['behind a message', [text('a')], [ofText('a')]],
  ['in the head of a frame', [text('a'), text('b').subarray(0, 1)], [ofText('a')]],
  ['in the mask of a frame', [text('a'), text('b').subarray(0, 4)], [ofText('a')]],
  ['in the payload of a frame', [text('a'), text('hello').subarray(0, 8)], [ofText('a')]],
  ['between two fragments', [begins(TEXT, 'a')], []],
]).map((each): ProtocolCase => ({ ...each, isCut: true }));

const KIB = 1 << 10;

const limits = rows('lengths', [
  ...[64 * KIB, 256 * KIB, KIB * KIB].flatMap((size): Row[] => {
    const payload = Buffer.alloc(size, 'abcdefghij');
    return [
      [`a text of ${size / KIB} KiB`, [text(payload)], [ofText(payload), DONE]],
      [`${size / KIB} KiB`, [binary(payload)], [ofBinary(payload), DONE]],
      [
        `a text of ${size / KIB} KiB in fragments of 16 KiB`,
        pieces(payload, 16 * KIB),
        [ofText(payload), DONE],
      ],
    ];
  }),
]);

function pieces(payload: Buffer, size: number): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size) {
    const first = (at === 0 ? TEXT : CONTINUATION) | (at + size >= payload.length ? FIN : 0);
    all.push(frame({ first, payload: payload.subarray(at, at + size) }));
  }
  return all;
}

export const PROTOCOL_CASES: readonly ProtocolCase[] = [
  ...framing,
  ...pings,
  ...pongs,
  ...reserved,
  ...opcodes,
  ...fragments,
  ...utf8,
  ...closing,
  ...cut,
  ...limits,
];

/** For those of compression. */
export { DONE, NOT_UTF8, ofBinary, ofPong, ofText, PROTOCOL };
