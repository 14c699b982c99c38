import { ChannelError } from './errors.js';
import { Slabs } from './slab.js';
import type { Frame } from './transport.js';

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

/** Messages are bytes; the receiver gets a copy of its own, or a view if it asked for that. */
export function bytesCodec({ view = false }: BytesOptions = {}): Codec<Uint8Array, Buffer> {
  const slabs = new Slabs();
  const copyOf = (memory: Buffer, start: number, end: number) => slabs.copy(memory, start, end);
  return { name: 'bytes', borrows: view, encode: encodeBytes, decode: view ? viewOf : copyOf };
}

function encodeBytes(value: Uint8Array, frame: Frame): void {
  if (!(value instanceof Uint8Array)) {
    const message = `A channel of bytes takes a Uint8Array, not ${typeof value}.`;
    throw new ChannelError('ERR_MILLRACE_UNSENDABLE', message, { path: 'value' });
  }
  frame.setBody(value);
}

function viewOf(memory: Buffer, start: number, end: number): Buffer {
  return memory.subarray(start, end);
}
