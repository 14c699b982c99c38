import { type Bytes, otherBytes } from '../arguments/bytes.js';
import { checkOptions, optionNames } from '../arguments/option-names.js';
import { ChannelError, shown } from '../errors.js';
import type { Frame } from '../interface/transport.js';
import { Slabs } from '../memory/slab.js';

/**
 * Turns values into frames and back. `encode` fills `frame` with bytes that stay valid until the next `encode`;
 * `decode` copies what it keeps, for the memory it reads from is reused.
 */
export interface Codec<Out, In = Out> {
  readonly name: string;
  /** Whether what `decode` gives is valid only until the listener returns. Default false. */
  readonly borrows?: boolean;
  encode(value: Out, frame: Frame): void;
  /** Throws for bytes that are no message; the channel reports `ERR_MILLRACE_BAD_MESSAGE` and goes on. */
  decode(memory: Buffer, start: number, end: number): In;
}

export interface BytesOptions {
  /**
   * Gives the listener a view of the transport's memory instead of a copy, valid only until it returns. Such a channel
   * has no `receive` and no iteration: what they give lives longer. Default false.
   */
  readonly view?: boolean;
}

const BYTES_OPTIONS = optionNames<BytesOptions>({ view: true });

/** Messages are bytes; the receiver gets a copy of its own, or a view if it asked for that. */
export function bytesCodec(options: BytesOptions = {}): Codec<Bytes, Buffer> {
  checkOptions(options, BYTES_OPTIONS, 'bytesCodec()');
  const { view = false } = options;
  const slabs = new Slabs();
  const copyOf = (memory: Buffer, start: number, end: number) => slabs.copy(memory, start, end);
  return { name: 'bytes', borrows: view, encode: encodeBytes, decode: view ? viewOf : copyOf };
}

function encodeBytes(value: Bytes, frame: Frame): void {
  const bytes = value instanceof Uint8Array ? value : otherBytes(value);
  if (bytes === undefined) {
    const message = `A channel of bytes takes a Buffer, a typed array, a DataView or an ArrayBuffer, not ${shown(value)}.`;
    throw new ChannelError('ERR_MILLRACE_UNSENDABLE', message, { path: 'value' });
  }
  frame.setBody(bytes);
}

function viewOf(memory: Buffer, start: number, end: number): Buffer {
  return memory.subarray(start, end);
}
