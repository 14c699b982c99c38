import { isUtf8 } from 'node:buffer';
import {
  GET_DATA,
  GET_INFO,
  GET_MASK,
  GET_PAYLOAD_LENGTH_16,
  GET_PAYLOAD_LENGTH_64,
  OPEN,
  type UntypedReceiver,
  type UntypedWebSocket,
} from './ws-internals.js';

/** First bytes of a frame that is a whole message: FIN, and no bit of an extension. */
const TEXT = 0x81;
const BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** A length that says that the real one follows, in two bytes. */
const LENGTH_16 = 126;

/** The opcode of a close frame, behind which nothing is read. */
const CLOSE = 8;

/**
 * Reads the frames of a client in front of the receiver of `ws`: each that is a whole message, masked, of the type and length that it says,
 * is emitted by the receiver as if it had read it. From the first byte of any other frame on, what has come is the receiver's; the next
 * frame that is looked at here is the one behind what the receiver has taken.
 */
export class FrameReader {
  readonly #webSocket: UntypedWebSocket;
  readonly #receiver: UntypedReceiver;
  readonly #pass: UntypedReceiver['write'];
  #isReading = false;
  /** What came while a listener was reading, of which there may be some. */
  #later: Buffer[] | undefined;
  /** A listener has thrown: the receiver would read no more, and neither does this. */
  #isStuck = false;

  constructor(webSocket: UntypedWebSocket) {
    this.#webSocket = webSocket;
    this.#receiver = webSocket._receiver;
    this.#pass = this.#receiver.write.bind(this.#receiver);
  }

  /** As `write` of the receiver: false says that no more should come for now. */
  write(chunk: Buffer): boolean {
    if (this.#isReading) {
      this.#later ??= [];
      this.#later.push(chunk);
      return true;
    }
    this.#isReading = true;
    try {
      let more = this.#read(chunk);
      for (let next = this.#later?.shift(); next !== undefined; next = this.#later?.shift())
        more = this.#read(next);
      return more;
    } finally {
      this.#isReading = false;
    }
  }

  #read(chunk: Buffer): boolean {
    const { length } = chunk;
    let at = this.#isBetween ? 0 : this.#completeFrame(chunk);
    if (at < length && this.#isBetween) {
      try {
        for (let next = at; next >= 0; next = this.#takeMessage(chunk, at)) {
          at = next;
          if (at === length || this.#webSocket._readyState !== OPEN) break;
        }
      } catch (error) {
        this.#becomeStuck(chunk);
        throw error;
      }
    }
    if (at === length) return true;
    return this.#pass(at === 0 ? chunk : chunk.subarray(at));
  }

  /** Whether the next byte is the first of a message, and the receiver has nothing to do. */
  get #isBetween(): boolean {
    const { _state, _bufferedBytes, _fragmented, _opcode, _errored, writableLength } = this.#receiver;
    if (_state !== GET_INFO || _bufferedBytes !== 0 || _fragmented !== 0) return false;
    if (_opcode === CLOSE || _errored || writableLength !== 0 || this.#isStuck) return false;
    return this.#webSocket._readyState === OPEN;
  }

  /**
   * Gives the receiver what belongs to the frame that it has begun. Returns where that ends: without this, a client that sends more than
   * is read at once would be the receiver's for ever, as it ends in the middle of a frame each time.
   */
  #completeFrame(chunk: Buffer): number {
    let at = 0;
    for (let lacking = this.#lacking; lacking > 0 && at < chunk.length; lacking = this.#lacking) {
      const end = Math.min(at + lacking, chunk.length);
      this.#pass(chunk.subarray(at, end));
      at = end;
      // A close frame, or one that it refuses: what has come behind it is not read.
      const { _errored, writableEnded } = this.#receiver;
      if (_errored || writableEnded) return chunk.length;
    }
    return at;
  }

  /** How many bytes the receiver needs for its next step in a frame that it has begun. */
  get #lacking(): number {
    const { _state, _bufferedBytes: has, _payloadLength, writableLength } = this.#receiver;
    // It is busy with what it has, or the stream is at its end.
    if (writableLength !== 0 || this.#isStuck || this.#webSocket._readyState !== OPEN) return 0;
    switch (_state) {
      case GET_INFO:
        return has === 0 ? 0 : 2 - has;
      case GET_PAYLOAD_LENGTH_16:
        return 2 - has;
      case GET_PAYLOAD_LENGTH_64:
        return 8 - has;
      case GET_MASK:
        return MASK_BYTES + _payloadLength - has;
      case GET_DATA:
        return _payloadLength - has;
      default:
        return 0;
    }
  }

  /** Takes the frame at `at`. Returns where it ends; -1: it is one for the receiver, which finds it as it came. */
  #takeMessage(chunk: Buffer, at: number): number {
    const left = chunk.length - at;
    const type = chunk[at];
    if (left < 2 || (type !== TEXT && type !== BINARY)) return -1;
    const receiver = this.#receiver;
    if (type === BINARY && receiver._binaryType !== 'nodebuffer') return -1;
    let length = (chunk[at + 1] as number) - MASKED;
    let mask = at + 2;
    if (length === LENGTH_16) {
      if (left < 4) return -1;
      length = ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number);
      mask = at + 4;
      if (length < LENGTH_16) return -1;
    }
    // Not masked, longer than 64 KiB, or nothing at all.
    else if (length <= 0 || length > LENGTH_16) return -1;
    const start = mask + MASK_BYTES;
    const end = start + length;
    const { _maxPayload } = receiver;
    if (end > chunk.length || (_maxPayload > 0 && length > _maxPayload)) return -1;
    const isAscii = unmask(chunk, mask, start, end);
    const payload = chunk.subarray(start, end);
    if (type === TEXT && !isAscii && !receiver._skipUTF8Validation && !isUtf8(payload)) {
      unmask(chunk, mask, start, end);
      return -1;
    }
    receiver.emit('message', payload, type === BINARY);
    return end;
  }

  /**
   * A listener that throws leaves the receiver in the middle of a write: if the process lives on, nothing that comes is read any more. So
   * it is with what this has read.
   */
  #becomeStuck(chunk: Buffer): void {
    this.#isStuck = true;
    this.#receiver._write = () => {};
    this.#pass(chunk);
  }
}

/** Takes the mask off, or puts it on. Returns whether all of the bytes are ASCII then. */
function unmask(bytes: Buffer, mask: number, start: number, end: number): boolean {
  const [a, b, c, d] = [bytes[mask], bytes[mask + 1], bytes[mask + 2], bytes[mask + 3]] as [
    number,
    number,
    number,
    number,
  ];
  let all = 0;
  let i = start;
  for (const whole = end - ((end - start) & 3); i < whole; i += 4) {
    const w = ((bytes[i] as number) ^ a) & 0xff;
    const x = ((bytes[i + 1] as number) ^ b) & 0xff;
    const y = ((bytes[i + 2] as number) ^ c) & 0xff;
    const z = ((bytes[i + 3] as number) ^ d) & 0xff;
    bytes[i] = w;
    bytes[i + 1] = x;
    bytes[i + 2] = y;
    bytes[i + 3] = z;
    all |= w | x | y | z;
  }
  for (let k = mask; i < end; i++, k++) {
    const byte = (bytes[i] as number) ^ (bytes[k] as number);
    bytes[i] = byte;
    all |= byte;
  }
  return all < 0x80;
}
