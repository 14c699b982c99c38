import { type Codec, type Frame, msgpackCodec } from '@millrace/channel';
import { TaskError } from '../errors.js';
import type { LargeValueFile, LargeValueFiles } from './large-value-files.js';
import { NameCache } from './name-cache.js';
import * as layout from './task-layout.js';

/** One message; instances are reused: copy what must outlive the call. See task-layout.ts. */
export class TaskMessage {
  kind = 0;
  flags = 0;
  incarnation = 0;
  id = 0;
  slot = -1;
  sequence = 0;
  number = 0;
  name = '';
  value: unknown = undefined;
  /** Sent: the file that holds the body. Received: undefined, for the file is gone. */
  file: LargeValueFile | undefined = undefined;
  /** Received: why the body could not be read. */
  broken: Error | undefined = undefined;
}

/** The largest NUMBER: run times over 71 minutes are reported as this. */
const MAX_NUMBER = 2 ** 32 - 1;

export interface TaskCodecOptions {
  /** Holds the bodies that are too large for a message. Default: they stay in the message. */
  readonly files?: LargeValueFiles | undefined;
  /** Bytes of the longest message, head included, whose body stays in it. Default: less than 8,192. */
  readonly inlineBytes?: number | undefined;
  /** Copies bytes that a handler may keep. Default: `Buffer.from`. */
  readonly copy?: ((memory: Buffer, start: number, end: number) => Buffer) | undefined;
}

/** Messages to bytes and back. `decode` gives the same instance each time. */
export function taskCodec({
  files,
  inlineBytes = layout.INLINE_LIMIT - 1,
  copy = (memory, start, end) => Buffer.from(memory.subarray(start, end)),
}: TaskCodecOptions = {}): Codec<TaskMessage> {
  const values = msgpackCodec<unknown>();
  const names = new NameCache();
  const received = new TaskMessage();
  let head = Buffer.alloc(layout.HEAD_BYTES + 256);
  return {
    name: 'task',
    encode(message: TaskMessage, frame: Frame) {
      const name = names.encode(message.name);
      if (layout.HEAD_BYTES + name.length > head.length) head = Buffer.alloc(layout.HEAD_BYTES + name.length);
      message.file = undefined;
      let { flags } = message;
      const { value } = message;
      // A Buffer is sent as it is: MessagePack would copy it once more, on both sides.
      if (Buffer.isBuffer(value)) {
        flags |= layout.BYTES;
        frame.setBody(value);
      } else values.encode(value, frame);
      const length = layout.HEAD_BYTES + name.length + frame.length;
      if (files !== undefined && length > inlineBytes) {
        flags |= layout.IN_FILE;
        message.file = files.write(frame.body, frame.bodyStart, frame.bodyEnd);
        frame.setBody(Buffer.from(message.file.name));
      }
      head[layout.KIND_AT] = message.kind;
      head[layout.FLAGS_AT] = flags;
      head.writeUInt16LE(name.length, layout.NAME_BYTES_AT);
      head.writeUInt32LE(message.incarnation >>> 0, layout.INCARNATION_AT);
      head.writeUInt32LE(message.id >>> 0, layout.ID_AT);
      head.writeInt32LE(message.slot, layout.SLOT_AT);
      head.writeUInt32LE(message.sequence, layout.SEQUENCE_AT);
      head.writeUInt32LE(Math.min(message.number, MAX_NUMBER), layout.NUMBER_AT);
      if (name.length > 0) name.copy(head, layout.HEAD_BYTES);
      frame.head = head;
      frame.headLength = layout.HEAD_BYTES + name.length;
    },
    decode(memory: Buffer, start: number, end: number) {
      if (end - start < layout.HEAD_BYTES)
        throw new RangeError(`A task message has at least ${layout.HEAD_BYTES} bytes, not ${end - start}.`);
      const nameEnd = start + layout.HEAD_BYTES + memory.readUInt16LE(start + layout.NAME_BYTES_AT);
      if (nameEnd > end) throw new RangeError('The name of a task message goes beyond its end.');
      const flags = memory[start + layout.FLAGS_AT] as number;
      received.kind = memory[start + layout.KIND_AT] as number;
      received.flags = flags;
      received.incarnation = memory.readUInt32LE(start + layout.INCARNATION_AT);
      received.id = memory.readUInt32LE(start + layout.ID_AT);
      received.slot = memory.readInt32LE(start + layout.SLOT_AT);
      received.sequence = memory.readUInt32LE(start + layout.SEQUENCE_AT);
      received.number = memory.readUInt32LE(start + layout.NUMBER_AT);
      received.name = names.decode(memory, start + layout.HEAD_BYTES, nameEnd);
      received.file = undefined;
      received.broken = undefined;
      received.value = undefined;
      if (flags & layout.IN_FILE) decodeFile(memory.toString('utf8', nameEnd, end), flags);
      else received.value = decodeBody(memory, nameEnd, end, flags);
      return received;
    },
  };

  /** The sender waits for the answer to this message: an error of its file becomes `broken`, not an exception. */
  function decodeFile(named: string, flags: number): void {
    try {
      if (files === undefined)
        throw new TaskError(
          'ERR_MILLRACE_TASK_TMPDIR',
          `A message names the file '${named}', and there is no directory for files.`,
        );
      const body = files.take(named);
      // The bytes were read for this message alone: a Buffer needs no copy.
      received.value = flags & layout.BYTES ? body : decodeBody(body, 0, body.length, flags);
    } catch (error) {
      received.broken = error as Error;
    }
  }

  function decodeBody(memory: Buffer, start: number, end: number, flags: number): unknown {
    if (flags & layout.TEXT) return memory.toString('utf8', start, end);
    if (flags & layout.JSON_TEXT) return JSON.parse(memory.toString('utf8', start, end)) as unknown;
    if (flags & layout.BYTES) return copy(memory, start, end);
    try {
      return values.decode(memory, start, end);
    } catch (error) {
      // The sender waits for the answer to this message: it is that the body cannot be read.
      received.broken = error as Error;
      return undefined;
    }
  }
}
