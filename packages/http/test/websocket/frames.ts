import { deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { Manner } from './conversation.js';

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  /** Default: a mask. */
  readonly mask?: Buffer | undefined;
  /** In how many bytes the length is said. Default: as few as hold it. */
  readonly lengthBytes?: 0 | 2 | 8;
}

const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

/** The bytes of a frame of a client. */
export function frame({ first, payload, mask = MASK, lengthBytes }: Frame): Buffer {
  const { length } = payload;
  const bytes = lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const head = Buffer.alloc(2 + bytes);
  head[0] = first;
  head[1] = bytes === 0 ? length : bytes === 2 ? 126 : 127;
  if (bytes === 2) head.writeUInt16BE(length, 2);
  else if (bytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (mask.length === 0) return Buffer.concat([head, payload]);
  head[1] |= 0x80;
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i % 4] as number))]);
}

export const text = (said: string) => frame({ first: 0x81, payload: Buffer.from(said) });
export const binary = (payload: Buffer) => frame({ first: 0x82, payload });
export const close = (code?: number, reason = '') => {
  const payload = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) payload.writeUInt16BE(code);
  return frame({ first: 0x88, payload: Buffer.concat([payload, Buffer.from(reason)]) });
};

const ORDERS = [
  'close',
  'terminate',
  'pause',
  'ping',
  'callback',
  'fragments',
  'long',
  'blob',
  'kinds',
  'cork',
];
const LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 1_000, 65_535, 65_536, 70_000];
const CODES = [0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1015, 1016, 2999, 3000, 4999, 5000];
/** Not UTF-8: a lone continuation, an overlong form, a surrogate, beyond Unicode, cut short. */
const BROKEN = ['80', 'c0af', 'eda080', 'f4908080', '61e282', '6162ff'].map((hex) => Buffer.from(hex, 'hex'));

const masks = fc.oneof(
  fc.constant(MASK),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.alloc(4)),
);
const lengths = fc.oneof(fc.nat(200), fc.constantFrom(...LENGTHS));
const payloads = fc.oneof(
  fc.string().map((said) => Buffer.from(said)),
  fc.string({ unit: 'grapheme' }).map((said) => Buffer.from(said)),
  fc.tuple(lengths, fc.nat(255)).map(([length, byte]) => Buffer.alloc(length, byte)),
  fc.constantFrom(...BROKEN),
);

/** What a client sends when it does what it should: messages that are whole. */
const messages = fc.oneof(
  fc.tuple(fc.string({ unit: 'grapheme', maxLength: 150 }), masks).map(([said, mask]) => {
    return frame({ first: 0x81, payload: Buffer.from(said), mask });
  }),
  fc.tuple(lengths, fc.nat(255), masks).map(([length, byte, mask]) => {
    return frame({ first: 0x82, payload: Buffer.alloc(length, byte), mask });
  }),
);

const orders = fc.constantFrom(...ORDERS).map(text);

/** A message in pieces, with a ping between them or not. */
const fragments = fc
  .tuple(fc.constantFrom(1, 2), fc.array(payloads, { minLength: 2, maxLength: 4 }), fc.boolean())
  .map(([opcode, parts, pings]) => {
    const frames = parts.map((payload, i) =>
      frame({ first: (i === 0 ? opcode : 0) | (i === parts.length - 1 ? 0x80 : 0), payload }),
    );
    const ping = frame({ first: 0x89, payload: Buffer.from('between') });
    return Buffer.concat(pings ? frames.flatMap((each) => [each, ping]) : frames);
  });

const controls = fc.oneof(
  fc.tuple(fc.constantFrom(0x89, 0x8a), payloads).map(([first, payload]) => frame({ first, payload })),
  fc.tuple(fc.constantFrom(undefined, ...CODES), fc.string({ maxLength: 20 })).map(([code, reason]) => {
    return close(code, code === undefined ? '' : reason);
  }),
  fc.constantFrom(...BROKEN).map((reason) => {
    return frame({ first: 0x88, payload: Buffer.concat([Buffer.of(3, 232), reason]) });
  }),
);

/** A message as permessage-deflate has it, of a client that begins anew with each. */
const deflated = payloads.map((payload) =>
  frame({ first: 0xc1, payload: deflateRawSync(payload, { finishFlush: 2 }).subarray(0, -4) }),
);

const odd = fc.oneof(
  // Any first byte: reserved bits, opcodes that there are not, no FIN.
  fc.tuple(fc.nat(255), payloads, masks).map(([first, payload, mask]) => frame({ first, payload, mask })),
  payloads.map((payload) => frame({ first: 0x81, payload, mask: Buffer.alloc(0) })),
  // Lengths that are said in more bytes than they need.
  fc
    .tuple(fc.constantFrom(0x81, 0x82, 0x89), fc.nat(125), fc.constantFrom(2 as const, 8 as const))
    .map(([first, length, lengthBytes]) =>
      frame({ first, payload: Buffer.alloc(length, 0x61), lengthBytes }),
    ),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  // One of which the end never comes.
  messages.map((bytes) => bytes.subarray(0, bytes.length - 1)),
);

/** What one client sends: mostly messages, and something else among them. */
export const conversations: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      { arbitrary: messages, weight: 8 },
      { arbitrary: orders, weight: 2 },
      { arbitrary: fragments, weight: 1 },
      { arbitrary: controls, weight: 1 },
      { arbitrary: deflated, weight: 1 },
      { arbitrary: odd, weight: 1 },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((frames) => Buffer.concat(frames));

/** How servers are made. */
export const manners: fc.Arbitrary<Manner> = fc.record({
  options: fc.oneof(
    { arbitrary: fc.constant({}), weight: 3 },
    {
      arbitrary: fc.record(
        {
          maxPayload: fc.constantFrom(0, 10, 126, 1_000),
          skipUTF8Validation: fc.boolean(),
          perMessageDeflate: fc.constantFrom(false, true, { serverNoContextTakeover: true, threshold: 10 }),
          autoPong: fc.boolean(),
          allowSynchronousEvents: fc.boolean(),
          maxFragments: fc.constantFrom(0, 2),
          maxBufferedChunks: fc.constantFrom(0, 2),
        },
        { requiredKeys: [] },
      ),
      weight: 2,
    },
  ),
  binaryType: fc.oneof(
    { arbitrary: fc.constant('nodebuffer' as const), weight: 3 },
    { arbitrary: fc.constantFrom('arraybuffer' as const, 'fragments' as const), weight: 1 },
  ),
  deflates: fc.boolean(),
});

/** `bytes` in pieces that begin at these places. */
export function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % Math.max(1, bytes.length)))].sort((a, b) => a - b);
  const starts = [0, ...cuts.filter((cut) => cut > 0)];
  return starts
    .map((start, i) => bytes.subarray(start, starts[i + 1] ?? bytes.length))
    .filter((piece) => piece.length > 0);
}
