import type { FrameVisitor } from '@millrace/channel';
import { EAGAIN, EINTR, SystemCallError, syscalls } from '@millrace/native';
import { FrameInput } from './frame-input.js';
import type { Framer } from './framing.js';
import { OutputQueue } from './output-queue.js';
import type { Reactor } from './reactor.js';

const READ = 1;
const WRITE = 2;

/** Why a connection is over. */
export type CloseReason =
  /** `close` or `destroy` was called here. */
  | 'local'
  /** The other side closed it or broke it off. */
  | 'peer'
  /** A frame was longer than the limit or had an impossible length. */
  | 'malformed'
  /** More output waited than `maxOutput` allows. */
  | 'output-limit'
  /** A system call failed; `error` says how. */
  | 'error';

export interface ConnectionHandlers<Context> {
  /** A frame, valid only during the call. */
  readonly onFrame: (connection: Connection<Context>, memory: Buffer, start: number, end: number) => void;
  /** Whether a frame can be taken now; after false the connection is paused, and the handler resumes it. Default: yes. */
  readonly wantsFrame?: (connection: Connection<Context>) => boolean;
  /** The other side sends no more; the connection can still be written to, and stays until it is closed. */
  readonly onInputEnd: (connection: Connection<Context>) => void;
  /** Output waits above the high-water mark: true; none waits any more: false. */
  readonly onCongestion?: (connection: Connection<Context>, congested: boolean) => void;
  /** The connection is over and its descriptor closed. Called once. */
  readonly onClose: (connection: Connection<Context>, reason: CloseReason, error?: Error) => void;
}

export interface ConnectionOptions<Context> {
  readonly framer: Framer;
  /** Memory for reading that connections of one reactor share. */
  readonly readMemory: Buffer;
  /** Bytes of output waiting above which `onCongestion` is called. */
  readonly highWaterMark: number;
  /** Bytes of output waiting above which the connection is cut off. */
  readonly maxOutput: number;
  readonly handlers: ConnectionHandlers<Context>;
  /** The owner's own, found again as `connection.context`. */
  readonly context: Context;
}

/**
 * A stream socket in a reactor: frames in, bytes out.
 *
 * Notes. Writing never blocks and takes everything until `maxOutput`; then the connection is destroyed. `close` sends
 * what was written, then closes; `destroy` closes at once. Frames that were read but not delivered when the connection
 * was paused are delivered after `resume`.
 */
export class Connection<Context = undefined> {
  readonly fd: number;
  readonly context: Context;
  readonly #reactor: Reactor;
  readonly #options: ConnectionOptions<Context>;
  readonly #input: FrameInput;
  readonly #output: OutputQueue;
  readonly #visit: FrameVisitor;
  readonly #wantsMore = () => this.#wants();
  #paused = false;
  #inputEnded = false;
  #congested = false;
  #closing = false;
  #closed = false;
  #held = false;
  #watched = READ;

  constructor(reactor: Reactor, fd: number, options: ConnectionOptions<Context>) {
    this.fd = fd;
    this.context = options.context;
    this.#reactor = reactor;
    this.#options = options;
    this.#input = new FrameInput(options.framer, options.readMemory);
    this.#output = new OutputQueue(fd);
    const { handlers } = options;
    this.#visit = (memory, start, end) => handlers.onFrame(this, memory, start, end);
    reactor.watch(fd, {
      onRead: () => this.#readable(),
      onWrite: () => this.#writable(),
      // Hung up in both directions while nothing is watched for: this side never shuts down, so it was broken off.
      onError: () => this.#end('peer'),
      write: false,
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The other side has ended its sending. */
  get inputEnded(): boolean {
    return this.#inputEnded;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get queuedBytes(): number {
    return this.#output.bytes;
  }

  /** Sends bytes, or queues them; they are copied if need be. After `close`, they are ignored. */
  write(memory: Uint8Array, start: number, end: number): void {
    if (this.#closed || this.#closing) return;
    const result = this.#output.write(memory, start, end);
    if (result < 0) return this.#broken(result, 'send');
    this.#afterOutput();
  }

  /** Takes no more frames until `resume`; the kernel's buffers fill and slow the other side down. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#watch();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#watch();
    if (this.#held) this.#reactor.defer(() => this.#deliverHeld());
  }

  /** Sends what is queued, then closes. */
  close(): void {
    if (this.#closed || this.#closing) return;
    this.#closing = true;
    if (this.#output.bytes === 0) this.#end('local');
    else this.#watch();
  }

  /** Closes at once; what is queued is lost. */
  destroy(reason: CloseReason = 'local', error?: Error): void {
    this.#end(reason, error);
  }

  #wants(): boolean {
    if (this.#paused || this.#closed || this.#closing) return false;
    const { wantsFrame } = this.#options.handlers;
    if (wantsFrame === undefined || wantsFrame(this)) return true;
    this.pause();
    return false;
  }

  #readable(): void {
    if (!this.#inputEnded && !this.#closing && !this.#wants()) return;
    const input = this.#input;
    input.prepare();
    const count = syscalls.receive(this.fd, input.target, input.offset, input.target.length - input.offset);
    if (count > 0) return this.#take(count);
    if (count === -EAGAIN || count === -EINTR) return;
    if (count < 0) return this.#broken(count, 'recv');
    if (this.#inputEnded) return this.#end('peer');
    this.#inputEnded = true;
    this.#watch();
    if (!this.#held) this.#options.handlers.onInputEnd(this);
  }

  #take(count: number): void {
    if (!this.#input.take(count, this.#visit, this.#wantsMore)) return this.#end('malformed');
    this.#held = this.#paused;
  }

  /** Delivers what was read before a pause. */
  #deliverHeld(): void {
    if (this.#closed || this.#paused || !this.#held) return;
    this.#held = false;
    this.#input.prepare();
    this.#take(0);
    if (this.#inputEnded && !this.#held && !this.#closed) this.#options.handlers.onInputEnd(this);
  }

  #writable(): void {
    const result = this.#output.flush();
    if (result < 0) return this.#broken(result, 'send');
    this.#afterOutput();
  }

  #afterOutput(): void {
    const { bytes } = this.#output;
    const { highWaterMark, maxOutput, handlers } = this.#options;
    if (bytes > maxOutput) return this.#end('output-limit');
    if (bytes === 0 && this.#closing) return this.#end('local');
    this.#watch();
    if (this.#congested ? bytes === 0 : bytes > highWaterMark) {
      this.#congested = !this.#congested;
      handlers.onCongestion?.(this, this.#congested);
    }
  }

  #watch(): void {
    if (this.#closed) return;
    const read = !this.#paused && !this.#inputEnded && !this.#closing;
    const wanted = (read ? READ : 0) | (this.#output.bytes > 0 ? WRITE : 0);
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    this.#reactor.set(this.fd, { read, write: (wanted & WRITE) !== 0 });
  }

  #broken(result: number, syscall: string): void {
    const error = new SystemCallError(syscall, -result, `connection, descriptor ${this.fd}`);
    const byPeer = error.errnoName === 'ECONNRESET' || error.errnoName === 'EPIPE';
    this.#end(byPeer ? 'peer' : 'error', error);
  }

  #end(reason: CloseReason, error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor.remove(this.fd);
    this.#output.clear();
    syscalls.close(this.fd);
    this.#options.handlers.onClose(this, reason, error);
  }
}
