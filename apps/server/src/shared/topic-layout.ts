/**
 * Which process subscribes to what, in memory that every process of the server maps. A topic is a bit, chosen by its hash; each
 * process has a row of bits, which it alone writes:
 *
 *   peer p   │ bit 0 … 31 │ bit 32 … 63 │ …                │ TOPIC_BITS bits
 *
 * A bit that is set says that the process subscribes to a topic of that hash. Two topics may have one bit: a process then gets
 * what it does not subscribe to, and leaves it. A bit that is not set says that nothing of that hash has to go there, and that
 * is what the memory is for: who publishes asks no process, and sends to no process that would drop it.
 *
 * The hash goes from server to server, too, as the number of a channel of the bus: it is never to change.
 */
export const TOPIC_BITS = 1 << 14;
const ROW_WORDS = TOPIC_BITS / 32;

export const topicBoardBytes = (peers: number) => peers * ROW_WORDS * 4;
export const rowAt = (peer: number) => peer * ROW_WORDS;
export const rowEnd = (peer: number) => rowAt(peer + 1);
/** Of a topic's number: its word in a row, and its bit in that. */
export const wordOf = (topic: number) => topic >>> 5;
export const bitOf = (topic: number) => 1 << (topic & 31);

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The number of a topic, from 0 to TOPIC_BITS - 1: FNV-1a over its UTF-16 code units, the low byte of each first. */
export function topicNumber(topic: string): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < topic.length; at++) {
    const unit = topic.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), FNV_PRIME);
    hash = Math.imul(hash ^ (unit >>> 8), FNV_PRIME);
  }
  // The upper bits are mixed best.
  return (hash ^ (hash >>> 16)) & (TOPIC_BITS - 1);
}
