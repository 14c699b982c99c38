import { responseAux } from '../links/packet.js';

/** A head that is longer than this is none of a WebSocket. */
const MAX_HEAD = 8_192;
const HEAD_END = '\r\n\r\n';

/**
 * Follows what a connection that has been upgraded is sent, as far as to know whether it ends between two frames of a WebSocket:
 * there another process may say that it is over.
 */
export class WebSocketFrames {
  /** The head of the answer, until it is whole; undefined when that is through. */
  #head: string | undefined = '';
  #isWebSocket = false;
  /** Bytes of the frame's head that have come, and how many it has. */
  readonly #frameHead = Buffer.alloc(10);
  #headBytes = 0;
  /** Bytes of its payload that are still to come. */
  #left = 0;

  /** Of a WebSocket whose answer has gone out from another process, between two frames. */
  static goingOn(): WebSocketFrames {
    const frames = new WebSocketFrames();
    frames.#head = undefined;
    frames.#isWebSocket = true;
    return frames;
  }

  /** The aux of `bytes` from `start` to `end`, which are sent. */
  aux(bytes: Uint8Array, start: number, end: number): number {
    const from = this.#head === undefined ? start : this.#takeHead(bytes, start, end);
    if (this.#isWebSocket) this.#takeFrames(bytes, from, end);
    return this.isBetween ? responseAux(1, false) : responseAux(0, true);
  }

  /** Whether it is a WebSocket, and what was sent ends with a whole frame. */
  get isBetween(): boolean {
    return this.#isWebSocket && this.#headBytes === 0 && this.#left === 0;
  }

  /** Returns where the head ends. */
  #takeHead(bytes: Uint8Array, start: number, end: number): number {
    const before = this.#head?.length ?? 0;
    const head =
      this.#head + Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    const at = head.indexOf(HEAD_END);
    if (at < 0) {
      this.#head = head.length > MAX_HEAD ? undefined : head;
      return end;
    }
    this.#head = undefined;
    this.#isWebSocket = /^HTTP\/1\.1 101 [\s\S]*\r\nupgrade: *websocket *\r\n/i.test(head.slice(0, at + 2));
    return start + at + HEAD_END.length - before;
  }

  #takeFrames(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, end - at);
        this.#left -= taken;
        at += taken;
        continue;
      }
      this.#frameHead[this.#headBytes++] = bytes[at++] as number;
      const length = (this.#frameHead[1] as number) & 0x7f;
      if (this.#headBytes < 2) continue;
      if (length < 126) this.#begin(length);
      else if (length === 126 && this.#headBytes === 4) this.#begin(this.#frameHead.readUInt16BE(2));
      else if (this.#headBytes === 10) this.#begin(Number(this.#frameHead.readBigUInt64BE(2)));
    }
  }

  /** A server's frame has no mask: the payload comes next. */
  #begin(length: number): void {
    this.#headBytes = 0;
    this.#left = length;
  }
}
