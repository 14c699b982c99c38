import { shown } from '@millrace/channel';
import { MAX_PUBLICATION_BYTES, MAX_TOPIC_BYTES } from '../constants.js';
import { ServerError } from '../errors.js';

/** Control characters, half characters, and what a user who writes it means as a pattern: there are none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it refuses them
const REFUSED = /[\u0000-\u001f\u007f*]|\p{Surrogate}/u;

/** Throws `ERR_MILLRACE_TOPIC` for what cannot be one. */
export function checkTopic(topic: unknown): asserts topic is string {
  if (isTopic(topic)) return;
  const long = typeof topic === 'string' ? ` of ${Buffer.byteLength(topic)} bytes` : '';
  throw new ServerError(
    'ERR_MILLRACE_TOPIC',
    `${shown(topic)}${long} is no topic: that is a string of 1 to ${MAX_TOPIC_BYTES} bytes of UTF-8 without control characters and without '*'. ` +
      'Topics are compared as they are, and there are no patterns: publish under one topic what is to come to one subscription.',
  );
}

/** Throws `ERR_MILLRACE_TOPIC` for what cannot be one. */
export function checkedTopic(topic: string): string {
  checkTopic(topic);
  return topic;
}

/** Whether `value`, which another process may have sent, can be a topic. */
export function isTopic(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TOPIC_BYTES) return false;
  return Buffer.byteLength(value) <= MAX_TOPIC_BYTES && !REFUSED.test(value);
}

/** Throws `ERR_MILLRACE_PUBLICATION_SIZE`. */
export function checkPublicationSize(topic: string, bytes: number): void {
  if (bytes <= MAX_PUBLICATION_BYTES) return;
  throw new ServerError(
    'ERR_MILLRACE_PUBLICATION_SIZE',
    `A value of ${bytes} bytes cannot be published under '${topic}': the limit is ${MAX_PUBLICATION_BYTES}. Publish where it is found instead: the key of a row of a table, or the name of a file.`,
  );
}
