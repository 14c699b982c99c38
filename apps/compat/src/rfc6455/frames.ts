import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** Opcodes of RFC 6455, section 5.2. */
export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
export const FIN = 0x80;
/** Says that a message is compressed, where that was agreed on. */
export const RSV1 = 0x40;
export const RSV2 = 0x20;
export const RSV3 = 0x10;

const NAMES: Readonly<Record<number, string>> = {
  [CONTINUATION]: 'continuation',
  [TEXT]: 'text',
  [BINARY]: 'binary',
  [CLOSE]: 'close',
  [PING]: 'ping',
  [PONG]: 'pong',
};

const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d);
const LENGTH_16 = 126;
const LENGTH_64 = 127;
/** What a compressor ends a message with, and is left out of frames. */
const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);
/** Bytes of a payload that are told as they are. */
const SHOWN = 40;

export interface FrameParts {
  /** FIN, reserved bits and opcode. */
  readonly first: number;
  readonly payload?: Buffer | string;
  /** Default: true, as of a client. */
  readonly isMasked?: boolean;
  /** In how many bytes the length is said. Default: as few as hold it. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** The bytes of a frame. */
export function frame({ first, payload = '', isMasked = true, lengthBytes }: FrameParts): Buffer {
  const body = Buffer.from(payload as string);
  const { length } = body;
  const bytes = lengthBytes ?? (length < LENGTH_16 ? 0 : length < 65_536 ? 2 : 8);
  const head = Buffer.alloc(2 + bytes);
  head[0] = first;
  head[1] = bytes === 0 ? length : bytes === 2 ? LENGTH_16 : LENGTH_64;
  if (bytes === 2) head.writeUInt16BE(length, 2);
  else if (bytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, body]);
  head[1] |= 0x80;
  return Buffer.concat([head, MASK, body.map((byte, at) => byte ^ (MASK[at & 3] as number))]);
}

export const text = (payload: Buffer | string) => frame({ first: FIN | TEXT, payload });
export const binary = (payload: Buffer | string) => frame({ first: FIN | BINARY, payload });
export const ping = (payload: Buffer | string = '') => frame({ first: FIN | PING, payload });
export const pong = (payload: Buffer | string = '') => frame({ first: FIN | PONG, payload });
/** A fragment that others follow, and the last one. */
export const begins = (opcode: number, payload: Buffer | string) => frame({ first: opcode, payload });
export const ends = (payload: Buffer | string) => frame({ first: FIN | CONTINUATION, payload });

/** A close frame; without a code it has no payload. */
export function close(code?: number, reason: Buffer | string = ''): Buffer {
  return frame({ first: FIN | CLOSE, payload: closePayload(code, reason) });
}

export function closePayload(code?: number, reason: Buffer | string = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason as string)]);
}

/** A payload as permessage-deflate has it, by a compressor of its own. */
export function deflated(payload: Buffer | string, windowBits = 15): Buffer {
  const whole = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH, windowBits });
  return whole.subarray(0, whole.length - TAIL.length);
}

/** What a frame says, in words: its kind and payload, of a close frame the code and reason. */
export function told(opcode: number, payload: Buffer | string): string {
  const bytes = Buffer.from(payload as string);
  const name = NAMES[opcode] ?? `opcode ${opcode}`;
  if (opcode === CLOSE) {
    if (bytes.length < 2) return 'close';
    return `close ${bytes.readUInt16BE(0)} ${bytes.subarray(2).toString()}`.trimEnd();
  }
  const { length } = bytes;
  if (length <= SHOWN) return `${name} ${bytes.toString('latin1')}`;
  return `${name} of ${length} bytes, from ${bytes.toString('latin1', 0, 8)} to ${bytes.toString('latin1', length - 8)}, sum ${sumOf(bytes)}`;
}

function sumOf(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) % 1_000_003;
  return sum;
}

/** The frames of a server that have come whole, and where the last of them ends. */
export function framesOf(bytes: Buffer): {
  readonly frames: readonly { readonly first: number; readonly payload: Buffer }[];
  readonly end: number;
} {
  const frames: { first: number; payload: Buffer }[] = [];
  let end = 0;
  for (;;) {
    const left = bytes.length - end;
    if (left < 2) return { frames, end };
    const short = bytes.readUInt8(end + 1);
    if (short > LENGTH_64) throw new Error('A frame of the server has a mask.');
    const lengthBytes = short === LENGTH_16 ? 2 : short === LENGTH_64 ? 8 : 0;
    if (left < 2 + lengthBytes) return { frames, end };
    const length =
      lengthBytes === 0
        ? short
        : bytes.readUIntBE(end + 2 + Math.max(0, lengthBytes - 6), Math.min(6, lengthBytes));
    const start = end + 2 + lengthBytes;
    if (bytes.length < start + length) return { frames, end };
    frames.push({ first: bytes.readUInt8(end), payload: bytes.subarray(start, start + length) });
    end = start + length;
  }
}

/** What a server has sent behind the head of its answer, in words. */
export function toldOf(bytes: Buffer): string[] {
  const { frames, end } = framesOf(bytes);
  const compressed: Buffer[] = [];
  const all = frames.map(({ first, payload }) =>
    told(first & 0x0f, (first & RSV1) === 0 ? payload : inflated(compressed, payload)),
  );
  return end === bytes.length ? all : [...all, `${bytes.length - end} bytes of a frame`];
}

/** The window goes on from message to message, whether the server uses it or not. */
function inflated(before: Buffer[], payload: Buffer): Buffer {
  const known = before.length === 0 ? 0 : inflate(before).length;
  before.push(payload, TAIL);
  return inflate(before).subarray(known);
}

function inflate(pieces: readonly Buffer[]): Buffer {
  return inflateRawSync(Buffer.concat(pieces), { finishFlush: constants.Z_SYNC_FLUSH });
}
