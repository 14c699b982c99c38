/**
 * What one message of the bus holds:
 *
 *   ┌────────┬──────┬───────┐
 *   │ LENGTH │ NAME │ VALUE │
 *   └────────┴──────┴───────┘
 *
 * LENGTH is an unsigned 16-bit integer, little endian: the bytes of NAME, which is the receiver's on its way to the
 * parent, and the sender's on its way from there. VALUE is what the value codec made; the parent does not look at it.
 */
import type { Codec } from '@millrace/channel';

const LENGTH_AT = 0;
const NAME_AT = 2;
/** Bytes of the longest name. */
export const MAX_NAME = 0xffff;

export interface BusMessage {
  readonly name: string;
  readonly value: Buffer;
}

export function busCodec(): Codec<BusMessage> {
  return {
    name: 'bus',
    encode({ name, value }, frame) {
      const bytes = Buffer.byteLength(name);
      const head = Buffer.allocUnsafe(NAME_AT + bytes);
      head.writeUInt16LE(bytes, LENGTH_AT);
      head.write(name, NAME_AT);
      frame.head = head;
      frame.headLength = head.length;
      frame.body = value;
      frame.bodyStart = 0;
      frame.bodyEnd = value.length;
    },
    decode(memory, start, end) {
      const valueAt = start + NAME_AT + memory.readUInt16LE(start + LENGTH_AT);
      if (valueAt > end) throw new RangeError(`${end - start} bytes are no message of the bus.`);
      return {
        name: memory.toString('utf8', start + NAME_AT, valueAt),
        value: Buffer.from(memory.subarray(valueAt, end)),
      };
    },
  };
}
