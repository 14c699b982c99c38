import type { FrameVisitor } from '@millrace/channel';
import { EAGAIN, EINTR, SHUT_WR, SO_ERROR, SOL_SOCKET, SystemCallError, syscalls } from '@millrace/native';
import {
  type CloseReason,
  type ConnectionHandlers,
  type ConnectionOptions,
  framerOf,
  type OutputLimits,
  outputLimits,
} from './connection-options.js';
import { networkFailure } from './errors.js';
import { FrameInput } from './frame-input.js';
import type { Framer } from './framer.js';
import { dropInput, LINGER_MS } from './lingering.js';
import { MAX_FILES, OutgoingFile, type SendFileOptions } from './outgoing-file.js';
import { OutputQueue } from './output-queue.js';
import type { Reactor } from './reactor.js';
import type { StreamConnection } from './stream-connection.js';
import type { AddOptions } from './watch.js';

const READ = 1;
const WRITE = 2;

/**
 * A stream socket in a reactor: frames in, bytes out.
 *
 * Notes. Writing never blocks; a write is taken whole or not at all. `close` sends what was written, then closes;
 * `end` sends it and says that no more comes, and goes on reading; `destroy` closes at once. Frames that were read but
 * not delivered when the connection was paused are delivered after `resume`. A handler that throws has had its frame;
 * the error is the reactor's to report, the next frames come.
 */
export class Connection<Context = undefined> implements StreamConnection<Context> {
  readonly fd: number;
  readonly context: Context;
  readonly #reactor: Reactor;
  readonly #handlers: ConnectionHandlers<Context>;
  readonly #limits: OutputLimits;
  readonly #framer: Framer;
  readonly #input: FrameInput;
  readonly #output: OutputQueue;
  readonly #visit: FrameVisitor;
  readonly #wantsMore = () => this.#wants();
  readonly #watch: AddOptions;
  #paused = false;
  #inputEnded = false;
  #ending = false;
  #outputEnded = false;
  #congested = false;
  #closing = false;
  /** The timer of a closed connection that waits for the other side to end; 0: it does not. */
  #linger = 0;
  #closed = false;
  #held = false;
  /** Out of the reactor, because it would report a hang-up without end while nothing can be done about it. */
  #parked = false;
  #watched = READ;

  /** Takes over `fd`, a connected and non-blocking stream socket, and closes it in the end. */
  constructor(reactor: Reactor, fd: number, options: ConnectionOptions<Context>) {
    this.fd = fd;
    this.context = options.context as Context;
    this.#reactor = reactor;
    this.#handlers = options.handlers;
    this.#limits = outputLimits(options);
    this.#framer = framerOf(options);
    this.#input = new FrameInput(this.#framer, options.readMemory ?? reactor.readMemory);
    this.#output = new OutputQueue(fd);
    const { handlers } = options;
    this.#visit = (memory, start, end) => handlers.onFrame(this, memory, start, end);
    this.#watch = {
      onRead: () => this.#readable(),
      onWrite: () => this.#writable(),
      onError: () => this.#hungUp(),
      write: false,
      nonBlocking: true,
    };
    reactor.add(fd, this.#watch);
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

  /** Bytes of output that wait in memory; files do not count. */
  get queuedBytes(): number {
    return this.#output.bytes;
  }

  /**
   * Sends `data[start, end)`, or queues it; what is queued is copied. False: nothing of it is sent, because more than
   * `maxOutput` bytes would wait, or because `close` or `end` was called or the connection is over.
   */
  write(data: Uint8Array | string, start = 0, end?: number): boolean {
    if (this.#closed || this.#closing || this.#ending) return false;
    const memory = typeof data === 'string' ? Buffer.from(data) : data;
    const limit = end ?? memory.length;
    const { maxOutput, destroys } = this.#limits;
    if (!destroys && this.#output.bytes + limit - start > maxOutput) return false;
    const result = this.#output.write(memory, start, limit);
    if (result < 0) this.#broken(result, 'send');
    // What the kernel takes at once changes nothing here.
    else if (!this.#output.empty || this.#congested) this.#afterOutput();
    return !this.#closed;
  }

  /**
   * Sends a regular file, or a piece of it, behind what is queued; without a copy where the kernel can. The file stays
   * open until then. False as in `write`, and when 64 files wait. Throws `ERR_MILLRACE_FILE`, or what `openSync` throws.
   */
  sendFile(path: string, options?: SendFileOptions): boolean {
    if (this.#closed || this.#closing || this.#ending || this.#output.files === MAX_FILES) return false;
    const result = this.#output.writeFile(new OutgoingFile(path, options));
    if (result < 0) this.#broken(result, 'sendfile');
    else this.#afterOutput();
    return !this.#closed;
  }

  /** Takes no more frames until `resume`; the kernel's buffers fill and slow the other side down. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#update();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#update();
    if (this.#held) this.#reactor.defer(() => this.#deliverHeld());
  }

  /** Half-close: sends what is queued, then tells the other side that no more comes. Frames still arrive. */
  end(): void {
    if (this.#closed || this.#closing || this.#ending) return;
    this.#ending = true;
    if (this.#output.empty) this.#endOutput();
  }

  /** Sends what is queued, then closes. */
  close(): void {
    if (this.#closed || this.#closing) return;
    this.#closing = true;
    if (this.#output.empty) this.#finish();
    else this.#update();
  }

  /** Closes at once; what is queued is lost. */
  destroy(reason: CloseReason = 'local', error?: Error): void {
    this.#over(reason, error);
  }

  #wants(): boolean {
    if (this.#paused || this.#closed || this.#closing) return false;
    const { wantsFrame } = this.#handlers;
    if (wantsFrame === undefined || wantsFrame(this)) return true;
    this.pause();
    return false;
  }

  #readable(): void {
    if (this.#linger > 0) return dropInput(this.fd) === 'over' ? this.#over('local') : undefined;
    if (!this.#inputEnded && !this.#closing && !this.#wants()) return;
    const input = this.#input;
    input.prepare();
    const count = syscalls.receive(this.fd, input.target, input.offset, input.target.length - input.offset);
    if (count > 0) return this.#take(count);
    if (count === -EAGAIN || count === -EINTR) return;
    if (count < 0) return this.#broken(count, 'recv');
    if (this.#inputEnded) return this.#over('peer');
    this.#inputEnded = true;
    this.#update();
    if (!this.#held) this.#inputEnd();
  }

  #take(count: number): void {
    try {
      if (!this.#input.take(count, this.#visit, this.#wantsMore)) return this.#malformed();
    } catch (error) {
      this.#held = true;
      this.#reactor.defer(() => this.#deliverHeld());
      throw error;
    }
    this.#held = this.#paused;
  }

  #malformed(): void {
    const { error } = this.#framer;
    this.#over('malformed', error === undefined || error instanceof Error ? error : new Error(String(error)));
  }

  /** Delivers what was read before a pause. */
  #deliverHeld(): void {
    if (this.#closed || this.#paused || !this.#held) return;
    this.#held = false;
    this.#input.prepare();
    this.#take(0);
    if (this.#inputEnded && !this.#held && !this.#closed) this.#inputEnd();
  }

  #inputEnd(): void {
    if (this.#handlers.onInputEnd) this.#handlers.onInputEnd(this);
    else this.close();
    if (this.#outputEnded) this.#over('peer');
  }

  /** Everything is sent. Input left unread would make the kernel reset the connection: it is dropped, as more of it is. */
  #finish(): void {
    if (this.#closed || this.#linger > 0) return;
    if (!this.#inputEnded) syscalls.shutdown(this.fd, SHUT_WR);
    if (this.#inputEnded || dropInput(this.fd) !== 'some') return this.#over('local');
    this.#linger = this.#reactor.timers.after(LINGER_MS, () => this.#over('local'));
    this.#update();
  }

  #endOutput(): void {
    this.#outputEnded = true;
    syscalls.shutdown(this.fd, SHUT_WR);
    if (this.#inputEnded && !this.#held) this.#over('local');
  }

  /** Hung up in both directions, or failed, while nothing is watched for. */
  #hungUp(): void {
    const out = new Int32Array(1);
    syscalls.getSocketOption(this.fd, SOL_SOCKET, SO_ERROR, new Uint8Array(out.buffer));
    const error = out[0] as number;
    if (error !== 0) return this.#broken(-error, 'recv');
    // What the other side sent before it closed is still to be read, or to be delivered.
    if (this.#linger > 0) return this.#over('local');
    const unread = this.#held || (this.#paused && !this.#inputEnded);
    if (!unread) return this.#over('peer');
    this.#parked = true;
    this.#reactor.remove(this.fd);
  }

  #writable(): void {
    const result = this.#output.flush();
    if (result < 0) return this.#broken(result, 'send');
    this.#handlers.onOutput?.(this);
    if (!this.#closed) this.#afterOutput();
  }

  #afterOutput(): void {
    const { bytes } = this.#output;
    const { highWaterMark, lowWaterMark, maxOutput } = this.#limits;
    if (bytes > maxOutput) return this.#over('output-limit');
    if (this.#output.empty) {
      if (this.#closing) return this.#finish();
      if (this.#ending && !this.#outputEnded) this.#endOutput();
      if (this.#closed) return;
    }
    this.#update();
    if (this.#congested ? bytes <= lowWaterMark : bytes > highWaterMark) {
      this.#congested = !this.#congested;
      this.#handlers.onCongestion?.(this, this.#congested);
    }
  }

  #update(): void {
    if (this.#closed) return;
    const read = this.#linger > 0 || (!this.#paused && !this.#inputEnded && !this.#closing);
    const wanted = (read ? READ : 0) | (this.#output.empty ? 0 : WRITE);
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    const interest = { read, write: (wanted & WRITE) !== 0 };
    if (!this.#parked) return this.#reactor.set(this.fd, interest);
    if (wanted === 0) return;
    this.#parked = false;
    this.#reactor.add(this.fd, { ...this.#watch, ...interest });
  }

  #broken(result: number, syscall: string): void {
    const error = this.#output.failure ?? networkFailure(syscall, -result, this.fd);
    const byPeer =
      error instanceof SystemCallError && (error.errnoName === 'ECONNRESET' || error.errnoName === 'EPIPE');
    this.#over(byPeer ? 'peer' : 'error', error);
  }

  #over(reason: CloseReason, error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#parked) this.#reactor.remove(this.fd);
    syscalls.close(this.fd);
    if (this.#linger > 0) this.#reactor.timers.clear(this.#linger);
    this.#output.clear(error);
    this.#handlers.onClose?.(this, reason, error);
  }
}
