import { ChannelError } from './errors.js';
import type { Frame } from './transport.js';

/**
 * Turns values into frames and back. `encode` fills `frame` with bytes that stay valid until the next `encode`;
 * `decode` copies what it keeps, for the memory it reads from is reused.
 */
export interface Codec<Out, In = Out> {
  readonly name: string;
  encode(value: Out, frame: Frame): void;
  /** Throws for bytes that are no message; the channel reports `ERR_MILLRACE_BAD_MESSAGE` and goes on. */
  decode(memory: Buffer, start: number, end: number): In;
}

/** Messages are bytes; the receiver gets a copy of its own. */
export function bytesCodec(): Codec<Uint8Array, Buffer> {
  return {
    name: 'bytes',
    encode(value, frame) {
      if (!(value instanceof Uint8Array)) {
        throw new ChannelError(
          'ERR_MILLRACE_UNSENDABLE',
          `A channel of bytes takes a Uint8Array, not ${typeof value}.`,
          {
            path: 'value',
          },
        );
      }
      frame.setBody(value);
    },
    decode(memory, start, end) {
      const copy = Buffer.allocUnsafe(end - start);
      memory.copy(copy, 0, start, end);
      return copy;
    },
  };
}
