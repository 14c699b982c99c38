import { PIECE_BEGINS, PIECE_ENDS, REQUEST_MASK } from '../../links/packet.js';
import { ChunkedBody } from './chunked-body.js';
import { MessageCutter } from './message-cutter.js';
import { RequestHead } from './request-head.js';

/**
 * Bytes of a head that are kept until it is whole. One that is longer goes to the worker in pieces: Node's parser answers it
 * with 431, unless the program allows more.
 */
export const MAX_KEPT_HEAD = 20 << 10;

/** The flags of a piece that no worker gets: an empty line before a request, which Node's parser skips. */
export const PIECE_SKIPPED = -1;

// What comes next.
const HEAD = 0;
const BODY = 1;
const CHUNKS = 2;
const TRAILER = 3;
/** Nothing is cut until the answer has ended, which may change the protocol: nothing has come behind the request. */
const HELD = 4;
/** One request that does not end: whatever comes is for Node's parser to understand. */
const OPAQUE = 5;
/** The request has ended with the last byte. */
const ENDED = 6;

/**
 * Cuts what one connection sends to requests, byte by byte and without a copy: a head, which is kept until it is whole, with as
 * much of the body as has come, then the rest of the body piece by piece. The worker's parser has the last word of what a
 * request is, so this one is strict: it cuts what RFC 9112 leaves no doubt about, and from the first odd byte on there is one
 * request that never ends. Where this finds the end of a request llhttp finds one; the other way round is not needed.
 */
export class RequestCutter {
  /** The number of the request that the last piece belongs to; see `pieceAux`. */
  request = 0;
  /** Whether the last piece begins and ends it, or {@link PIECE_SKIPPED}. */
  flags = 0;
  /** Whether the target of that request has a query, as far as it has come. */
  hasQuery = false;
  #state: number;
  readonly #head = new RequestHead();
  /** Made for the first one. */
  #chunks: ChunkedBody | undefined = undefined;
  /** Once what comes is messages of a WebSocket, as long as they can be told apart. */
  #messages: MessageCutter | undefined = undefined;
  /** Bytes that the body lacks. */
  #left = 0;
  /** A piece of the present request has been cut. */
  #begun = false;
  /** The client has said that no other request follows: what comes is not cut. */
  #isOver = false;
  /** The present head does not wait until it is whole. */
  #isLate = false;
  /** Which of the last 32 requests were HEAD, by number. */
  #heads = 0;

  /** `opaque`: what comes is no HTTP. */
  constructor({ opaque = false }: { readonly opaque?: boolean } = {}) {
    this.#state = opaque ? OPAQUE : HEAD;
  }

  /** A head has begun, and waits until it is whole. */
  get keepsHead(): boolean {
    return this.#state === HEAD && !this.#begun && this.#head.hasBegun;
  }

  /** The last request may change the protocol: nothing is cut before `release` or `goRaw`. */
  get holds(): boolean {
    return this.#state === HELD;
  }

  /** From some byte on nothing was cut: whatever comes belongs to the last request. */
  get isOpaque(): boolean {
    return this.#state === OPAQUE && this.#messages === undefined;
  }

  /** What comes is cut to messages of a WebSocket, each of which is numbered as a request. */
  get cutsMessages(): boolean {
    return this.#messages !== undefined;
  }

  /** Whether that request, one of the last 32, is HEAD: there is no body in its answer. */
  isHead(request: number): boolean {
    return ((this.#heads >>> (request & 31)) & 1) !== 0;
  }

  /** The head that is kept is to be cut as far as it has come. */
  hurry(): void {
    this.#isLate = this.keepsHead;
  }

  /** A request that was cut before is sent once more, by the next number, which this returns. */
  again(isHead: boolean): number {
    this.request = (this.request + 1) & REQUEST_MASK;
    this.#noteHead(isHead);
    return this.request;
  }

  /** The answer to the request that is held has ended, and has not changed the protocol. */
  release(): void {
    if (this.#state === HELD) this.#state = HEAD;
  }

  /** The protocol has changed: whatever comes belongs to the last request. */
  goRaw(): void {
    this.#state = OPAQUE;
    this.#begun = true;
    this.#messages = undefined;
  }

  /** The protocol has changed to that of WebSockets, and nothing has come of it. */
  cutMessages(): void {
    this.goRaw();
    this.#messages = new MessageCutter();
  }

  /**
   * As `Framer.measure`: the length of the next piece, whose `request` and `flags` are set; or 0, where more is needed.
   * `scanned` bytes after `start` are those that the last call has seen.
   */
  measure(bytes: Uint8Array, start: number, end: number, scanned: number): number {
    if (this.#messages !== undefined) return this.#measureMessage(this.#messages, bytes, start, end);
    const at = this.#scan(bytes, start + scanned, end);
    if (this.#state === ENDED && this.#head.mayUpgrade && at < end) {
      // Node gives an upgrade what has come behind it as its `head`. So it goes with the request, whatever it belongs to.
      this.#setPiece(0);
      return this.#odd(end) - start;
    }
    if (this.#state === ENDED) {
      this.#setPiece(PIECE_ENDS);
      this.#next();
    } else if (this.#state === HEAD && !this.#begun) {
      if (this.#head.isEmptyLine) {
        this.flags = PIECE_SKIPPED;
        this.#head.begin();
      } else if (!this.#head.hasBegun || (!this.#isLate && end - start < MAX_KEPT_HEAD)) return 0;
      else this.#setPiece(0);
    } else this.#setPiece(0);
    return at - start;
  }

  #measureMessage(messages: MessageCutter, bytes: Uint8Array, start: number, end: number): number {
    const length = messages.measure(bytes, start, end);
    if (length === 0) return 0;
    if (messages.isOdd) {
      // One more message that never ends, or the present one does not.
      this.#messages = undefined;
      this.#begun = messages.inside;
      this.#setPiece(0);
      return length;
    }
    this.flags = messages.flags;
    if ((this.flags & PIECE_BEGINS) !== 0) this.request = (this.request + 1) & REQUEST_MASK;
    return length;
  }

  #setPiece(flags: number): void {
    if (this.#begun) this.flags = flags;
    else {
      this.flags = flags | PIECE_BEGINS;
      this.request = (this.request + 1) & REQUEST_MASK;
      this.#begun = true;
      this.hasQuery = this.#head.hasQuery;
    }
    this.#noteHead(this.#head.isHead);
  }

  #noteHead(isHead: boolean): void {
    const bit = 1 << (this.request & 31);
    this.#heads = isHead ? this.#heads | bit : this.#heads & ~bit;
  }

  /** A request has ended. */
  #next(): void {
    this.#begun = this.#isLate = false;
    this.#isOver = this.#head.isLast;
    this.#state = this.#head.mayUpgrade ? HELD : HEAD;
    this.#head.begin();
  }

  /** Reads from `from` on; returns where the present request ends, or an empty line before it, or `end`. */
  #scan(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end) {
      switch (this.#state) {
        case HEAD:
        case TRAILER:
          at = this.#head.scan(bytes, at, end);
          if (this.#head.isOdd || (this.#isOver && this.#head.hasBegun)) return this.#odd(end);
          if (!this.#head.isWhole) return at;
          this.#endHead();
          break;
        case BODY: {
          const taken = Math.min(this.#left, end - at);
          at += taken;
          this.#left -= taken;
          if (this.#left === 0) this.#state = ENDED;
          break;
        }
        case CHUNKS: {
          const chunks = this.#chunks as ChunkedBody;
          at = chunks.scan(bytes, at, end);
          if (chunks.isOdd) return this.#odd(end);
          if (!chunks.isDone) return at;
          this.#state = TRAILER;
          this.#head.beginTrailer();
          break;
        }
        default:
          // What comes behind a request that holds has not been asked for.
          return this.#odd(end);
      }
      if (this.#state === ENDED) return at;
    }
    return at;
  }

  /** The head is whole, or the trailer is. */
  #endHead(): void {
    const head = this.#head;
    this.#left = head.length;
    if (this.#state === TRAILER || (this.#left === 0 && !head.isChunked)) this.#state = ENDED;
    else if (this.#left > 0) this.#state = BODY;
    else {
      this.#chunks ??= new ChunkedBody();
      this.#chunks.begin();
      this.#state = CHUNKS;
    }
  }

  /** From here on nothing is cut. */
  #odd(end: number): number {
    this.#state = OPAQUE;
    return end;
  }
}
