/**
 * What one message of a channel over a queue holds. Any program can write one: see `test/fixtures/post.py`.
 *
 *   offset    0       4         5      6          8
 *             ┌───────┬─────────┬──────┬──────────┬───────────────────────────┐
 *   INLINE    │ MAGIC │ VERSION │ KIND │ RESERVED │ payload                   │
 *             └───────┴─────────┴──────┴──────────┴───────────────────────────┘
 *             ┌───────┬─────────┬──────┬──────────┬────────┬──────────────────┐
 *   SPILLED   │ MAGIC │ VERSION │ KIND │ RESERVED │ LENGTH │ NAME             │
 *             └───────┴─────────┴──────┴──────────┴────────┴──────────────────┘
 *                                                 8        16
 *
 *   MAGIC     4 bytes, "MRmq"
 *   VERSION   1 byte, 1
 *   KIND      1 byte
 *   RESERVED  2 bytes, 0
 *   payload   what the channel's codec made of a value, to the end of the message
 *   LENGTH    of the payload, unsigned 64-bit integer, little endian
 *   NAME      of the directory and the file that hold the payload, ASCII, to the end (see spill-name.ts)
 *
 * A System V queue keeps the message's type before this, in the `long` that its calls ask for; a POSIX queue keeps
 * the priority. A message that would be larger than the queue takes is spilled.
 */
export const MAGIC = 0x716d_524d; // "MRmq" read as a little-endian integer
export const VERSION = 1;
export const INLINE = 0;
export const SPILLED = 1;

export const MAGIC_AT = 0;
export const VERSION_AT = 4;
export const KIND_AT = 5;
export const RESERVED_AT = 6;
export const HEADER_BYTES = 8;
export const LENGTH_AT = 8;
export const NAME_AT = 16;

/** Longest NAME in bytes. */
export const MAX_NAME_BYTES = 128;
/** A queue whose messages are smaller cannot carry a channel. */
export const MIN_MESSAGE_BYTES = NAME_AT + MAX_NAME_BYTES;

export function writeHeader(target: Buffer, at: number, kind: number): void {
  target.writeUInt32LE(MAGIC, at + MAGIC_AT);
  target[at + VERSION_AT] = VERSION;
  target[at + KIND_AT] = kind;
  target.writeUInt16LE(0, at + RESERVED_AT);
}

/** The kind of the message `memory[at, at + length)`, or undefined when it keeps to no known layout. */
export function readKind(memory: Buffer, at: number, length: number): number | undefined {
  if (length < HEADER_BYTES || memory.readUInt32LE(at + MAGIC_AT) !== MAGIC) return undefined;
  if (memory[at + VERSION_AT] !== VERSION || memory.readUInt16LE(at + RESERVED_AT) !== 0) return undefined;
  const kind = memory[at + KIND_AT];
  if (kind === INLINE) return kind;
  const named = length > NAME_AT && length <= NAME_AT + MAX_NAME_BYTES;
  return kind === SPILLED && named ? kind : undefined;
}
