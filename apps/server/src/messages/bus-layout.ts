import { checkedTopic } from './topic-rules.js';

/**
 * A publication on its way from server to server:
 *
 *   │ server: 16 bytes │ length of the topic: 1 byte │ topic, UTF-8 │ value, as the codec has written it │
 *
 * A server hears what it has published itself as well, and leaves it by its name.
 */
export const SERVER_BYTES = 16;
const HEAD_BYTES = SERVER_BYTES + 1;

export function encodeForBus(server: Uint8Array, topic: string, body: Uint8Array): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + topicBytes + body.length);
  bytes.set(server, 0);
  bytes[SERVER_BYTES] = topicBytes;
  bytes.write(topic, HEAD_BYTES);
  bytes.set(body, HEAD_BYTES + topicBytes);
  return bytes;
}

/** Undefined: it was published by `server`. Throws for what is none: anything may be published where this is. */
export function decodeFromBus(
  server: Uint8Array,
  given: Uint8Array,
): { readonly topic: string; readonly body: Uint8Array } | undefined {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const end = HEAD_BYTES + (bytes[SERVER_BYTES] ?? 0);
  if (bytes.length < end) throw new RangeError(`${bytes.length} bytes are no publication.`);
  if (bytes.subarray(0, SERVER_BYTES).equals(server)) return undefined;
  return { topic: checkedTopic(bytes.toString('utf8', HEAD_BYTES, end)), body: bytes.subarray(end) };
}
