import { ChannelError } from '../errors.js';
import type { Frame } from '../interface/transport.js';
import { msgpackRules } from './msgpack-rules.js';
import { type Options, Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, type Unpackr } from './msgpackr.js';
import { inOtherForm } from './odd-values.js';
import { survey, unsendable } from './unsendable.js';

/** What all of a channel's MessagePack has in common. */
export const COMMON = { moreTypes: true, copyBuffers: true } satisfies Options;

/** A packer that refuses what msgpackr would send as nothing, and says whether it has met a Map. */
export class StrictPackr extends Packr {
  metMap = false;

  /** msgpackr's hook for functions. */
  writeFunction(): never {
    throw new TypeError('a function cannot be encoded');
  }

  /** An option of msgpackr's that it reads for each Map, and for nothing else. */
  get mapAsEmptyObject(): false {
    this.metMap = true;
    return false;
  }
}

/** What msgpackr packs for `value`, so that it arrives as it is. Throws `ERR_MILLRACE_UNSENDABLE` when it cannot. */
export function packable(value: unknown): unknown {
  return survey(value, msgpackRules) ? inOtherForm(value) : value;
}

/** What packing in place returns: its own memory, and where in it the value lies. */
type Packed = Buffer & { readonly start: number; readonly end: number };
const IN_PLACE = REUSE_BUFFER_MODE | RESET_BUFFER_MODE;

/** Bytes of memory that a codec keeps for encoding once a message has needed more than this. */
const KEPT_BYTES = 8 * 1024;
const MOST_KEPT_BYTES = 4 << 20;

/** Makes `value` the body of `frame`, in the packer's memory. Throws what msgpackr does, or why it should have. */
export function packInto(packr: StrictPackr, value: unknown, frame: Frame): void {
  const packed = packr.pack(value, IN_PLACE) as Packed;
  frame.setBody(packed, packed.start, packed.end);
  // The frame keeps the large memory as long as it is needed.
  if (packed.length > MOST_KEPT_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(KEPT_BYTES));
}

const range = { start: 0, end: 0 };

/** The value that `memory[start, end)` is. Throws `ERR_MILLRACE_BAD_MESSAGE`. */
export function unpackFrom(unpackr: Unpackr, memory: Buffer, start: number, end: number): unknown {
  // msgpackr takes an end of 0 for none, and would read what an earlier message left.
  if (start >= end) throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', 'A message has no bytes.');
  countUnpacked(end - start);
  range.start = start;
  range.end = end;
  try {
    return unpackr.unpack(memory, range);
  } catch (cause) {
    const message = `${end - start} bytes are no MessagePack value.`;
    throw new ChannelError('ERR_MILLRACE_BAD_MESSAGE', message, { cause });
  }
}

/** Explains why `value` could not be packed. */
export function unpackable(value: unknown, cause: unknown): ChannelError {
  return unsendable(value, msgpackRules, cause);
}

/** Bytes of long messages after which strings are read natively. */
const WORTH_LOADING = 64 * 1024;

let left = WORTH_LOADING;

/**
 * Counts what is unpacked; from a certain amount on lets msgpackr read strings natively. A list of strings is then read up to
 * five times as fast, but loading that takes 15 ms of processor time, which a process that gets short messages only, or has
 * just been started, should not spend. The entry module of msgpackr turns it on where it is installed.
 */
function countUnpacked(bytes: number): void {
  if (left <= 0) return;
  left -= bytes;
  // Where it cannot be loaded any more (a new root directory, a deleted one), they are read as they have been.
  if (left <= 0) import('msgpackr').catch(() => {});
}
