import type { ResponseHead } from './response-head.js';

/** Bytes of the longest answer that is put together here. */
const ANSWER_BYTES = 16_384;
/** Characters up to which a loop beats a call of the runtime. */
const SHORT_TEXT = 64;

const DIGIT_ZERO = 48;
const END_OF_HEAD = [13, 10, 13, 10] as const;
const UTF8_BYTES = 3;

/** Where answers that are given whole are put together, one after the other; whoever sends one copies it. */
export const answerBytes = Buffer.allocUnsafeSlow(ANSWER_BYTES);

/** The lines that it begins with: most answers have the same as the one before. */
let begin: Uint8Array | undefined;

/**
 * Puts an answer together, whose body has `bytes` bytes, in {@link answerBytes}; returns its length. 0: it is too long.
 */
export function putAnswer(
  head: ResponseHead,
  body: string | Uint8Array | null | undefined,
  bytes: number,
): number {
  const { text, lines } = head;
  if (text.length * UTF8_BYTES + bytes > ANSWER_BYTES) return 0;
  let at: number;
  if (lines === undefined) {
    begin = undefined;
    // In one encoding with its text, as node:http does, which matters for a head that is not of ASCII alone.
    at =
      typeof body === 'string' && bytes > 0
        ? answerBytes.write(text, 'utf8')
        : answerBytes.write(text, 'latin1');
  } else {
    if (lines !== begin) answerBytes.set(lines);
    begin = lines;
    at = head.hasLength ? lines.length : putNumber(bytes, lines.length);
    for (const byte of END_OF_HEAD) answerBytes[at++] = byte;
  }
  if (bytes === 0) return at;
  if (typeof body === 'string') putText(body, bytes, at);
  else answerBytes.set(body as Uint8Array, at);
  return at + bytes;
}

function putNumber(value: number, at: number): number {
  let end = at + 1;
  for (let rest = value; rest > 9; rest = Math.floor(rest / 10)) end++;
  let rest = value;
  for (let digit = end - 1; digit >= at; digit--) {
    answerBytes[digit] = DIGIT_ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}

function putText(text: string, bytes: number, at: number): void {
  if (bytes > text.length) answerBytes.write(text, at, 'utf8');
  else if (bytes > SHORT_TEXT) answerBytes.write(text, at, 'latin1');
  else for (let i = 0; i < bytes; i++) answerBytes[at + i] = text.charCodeAt(i);
}
