/** What one connection says next, and what of the answer has come. */
export interface Conversation {
  next(): Buffer;
  /** `'greeted'`: what comes before the first request that counts is done. Throws when it is not what was to come. */
  received(memory: Buffer, start: number, end: number): 'more' | 'greeted' | 'answered';
}

const HEAD_END = '\r\n\r\n';
const OK = 'HTTP/1.1 200 ';

/** GET requests, each answered with 200. All answers of a connection are as long as its first. */
export class HttpConversation implements Conversation {
  readonly #request: Buffer;
  #length = 0;
  #first = '';
  #come = 0;

  constructor(fields: readonly string[] = []) {
    this.#request = Buffer.from(`GET / HTTP/1.1\r\n${['Host: bench', ...fields].join('\r\n')}\r\n\r\n`);
  }

  next(): Buffer {
    this.#come = 0;
    return this.#request;
  }

  received(memory: Buffer, start: number, end: number): 'more' | 'answered' {
    if (this.#length === 0) {
      this.#first += memory.toString('latin1', start, end);
      this.#length = wholeLength(this.#first);
    } else if (this.#come === 0 && memory.toString('latin1', start, start + OK.length) !== OK) {
      throw new Error('An answer is not 200.');
    }
    this.#come += end - start;
    if (this.#length === 0 || this.#come < this.#length) return 'more';
    if (this.#come > this.#length) throw new Error('An answer is longer than the first.');
    return 'answered';
  }
}

/** The bytes of an answer whose head has come; 0 before that. */
function wholeLength(text: string): number {
  const head = text.indexOf(HEAD_END);
  if (head < 0) return 0;
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (!text.startsWith(OK) || length === undefined)
    throw new Error(`Not an answer to measure: ${text.slice(0, head)}`);
  return head + HEAD_END.length + Number(length);
}

const UPGRADE = Buffer.from(
  'GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
);
/** Bytes of a message. */
const MESSAGE_BYTES = 64;
const BINARY_AND_LAST = 0x82;
const MASKED = 0x80;
const MASK_AT = 2;
const MASK_BYTES = 4;

/** A WebSocket that sends a binary message and wants it back, byte by byte. */
export class WebSocketConversation implements Conversation {
  readonly #frame = Buffer.alloc(MASK_AT + MASK_BYTES + MESSAGE_BYTES);
  readonly #expected = Buffer.alloc(2 + MESSAGE_BYTES);
  #greeting: string | undefined = '';
  #come = 0;
  #sent = 0;

  constructor(seed: number) {
    this.#frame.set([BINARY_AND_LAST, MASKED | MESSAGE_BYTES, seed, seed >> 8, 0x5a, 0xa5]);
    this.#expected.set([BINARY_AND_LAST, MESSAGE_BYTES]);
  }

  next(): Buffer {
    if (this.#greeting !== undefined) return UPGRADE;
    this.#come = 0;
    this.#expected.writeUInt32LE(++this.#sent, 2);
    const payload = MASK_AT + MASK_BYTES;
    for (let i = 0; i < MESSAGE_BYTES; i++)
      this.#frame[payload + i] =
        (this.#expected[2 + i] as number) ^ (this.#frame[MASK_AT + (i % MASK_BYTES)] as number);
    return this.#frame;
  }

  received(memory: Buffer, start: number, end: number): 'more' | 'greeted' | 'answered' {
    if (this.#greeting !== undefined) return this.#greeted(memory.toString('latin1', start, end));
    const expected = this.#expected;
    const until = this.#come + end - start;
    if (until > expected.length || expected.compare(memory, start, end, this.#come, until) !== 0)
      throw new Error('A message differs from what was sent.');
    this.#come = until;
    return until === expected.length ? 'answered' : 'more';
  }

  #greeted(text: string): 'more' | 'greeted' {
    const greeting = this.#greeting + text;
    this.#greeting = greeting.endsWith(HEAD_END) ? undefined : greeting;
    if (this.#greeting !== undefined) return 'more';
    if (!greeting.startsWith('HTTP/1.1 101 ')) throw new Error(`Not upgraded: ${greeting}`);
    return 'greeted';
  }
}
