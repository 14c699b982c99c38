import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { checkOptions, optionNames } from '@millrace/channel';
import { EAGAIN, EINTR, EINVAL, EIO, ENOBUFS, ENOSYS, EOPNOTSUPP, syscalls } from '@millrace/native/syscalls';
import { ReactorError } from '../errors.js';

export interface SendFileOptions {
  /** First byte to send. Default 0. */
  readonly offset?: number | undefined;
  /** Bytes to send. Default: all from `offset`. */
  readonly length?: number | undefined;
  /**
   * The file, open for reading: then the path only names it in errors. It is taken over, and closed in any case.
   * Default: the path is opened, with the rights of this process.
   */
  readonly fd?: number | undefined;
  /** Called once: the kernel has taken the last byte; or, with an error, that will not happen. */
  readonly onSent?: ((error?: Error) => void) | undefined;
}

const SEND_FILE_OPTIONS = optionNames<SendFileOptions>({
  offset: true,
  length: true,
  fd: true,
  onSent: true,
});

/** Files that wait for one connection at most; each is an open descriptor. */
export const MAX_FILES = 64;
/** Without O_NONBLOCK a FIFO would block the whole loop until another process opens it to write. */
const OPEN = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Bytes of a file that one turn sends at most, so that one fast reader leaves time for the others. */
const TURN_BYTES = 1 << 20;
/** Bytes that are copied at a time where the kernel cannot send from this file to this descriptor. */
const COPY_BYTES = 64 << 10;
/** sendfile cannot: another file system, another kind of descriptor. Reading and sending can. */
const CANNOT = [EINVAL, ENOSYS, EOPNOTSUPP];

/** A piece of a file on its way to a socket. */
export class OutgoingFile {
  readonly #file: number;
  readonly path: string;
  readonly #onSent: ((error?: Error) => void) | undefined;
  #position: number;
  #remaining: number;
  /** Set where sendfile cannot: what has been read and not been sent. */
  #copy: Buffer | undefined;
  #copyStart = 0;
  #copyEnd = 0;
  /** Why the last `send` failed, where no errno says it. */
  failure: Error | undefined;

  /** Opens the file. Throws `ERR_MILLRACE_REACTOR_FILE`, or what `openSync` throws. */
  constructor(path: string, options: SendFileOptions = {}) {
    try {
      checkOptions(options, SEND_FILE_OPTIONS, 'sendFile()');
    } catch (error) {
      releaseFile(options);
      throw error;
    }
    const { fd, offset = 0, length, onSent } = options;
    this.path = path;
    this.#onSent = onSent;
    this.#file = fd ?? openSync(path, OPEN);
    const stat = fstatSync(this.#file);
    const bytes = length ?? stat.size - offset;
    if (!stat.isFile() || !inRange(offset, stat.size) || !inRange(bytes, stat.size - offset)) {
      closeSync(this.#file);
      const message = stat.isFile()
        ? `'${path}' has ${stat.size} bytes; ${String(bytes)} bytes from ${String(offset)} cannot be sent of it.`
        : `'${path}' is not a regular file.`;
      throw new ReactorError('ERR_MILLRACE_REACTOR_FILE', message);
    }
    this.#position = offset;
    this.#remaining = bytes;
  }

  get done(): boolean {
    return this.#remaining === 0;
  }

  /**
   * Sends what the socket takes, but not too much at a time. Returns how many bytes, or a negated errno; with
   * `-EIO`, `failure` says more.
   */
  send(socket: number): number {
    let sent = 0;
    while (this.#remaining > 0 && sent < TURN_BYTES) {
      const count = this.#copy === undefined ? this.#sendDirectly(socket, sent) : this.#sendCopy(socket);
      if (count === -EINTR) continue;
      if (count === -EAGAIN || count === -ENOBUFS) break;
      if (count < 0 && this.#copy === undefined && CANNOT.includes(-count)) {
        this.#copy = Buffer.allocUnsafeSlow(COPY_BYTES);
        continue;
      }
      if (count < 0) return count;
      if (count === 0) return this.#cutShort();
      sent += count;
      this.#remaining -= count;
    }
    return sent;
  }

  /** Reads what comes next into `memory`, for a connection that sends it itself. Returns as `send` does. */
  read(memory: Buffer): number {
    const wanted = Math.min(memory.length, this.#remaining);
    const count = syscalls.readAt(this.#file, memory, 0, wanted, this.#position);
    if (count < 0) return count;
    if (count === 0 && wanted > 0) return this.#cutShort();
    this.#position += count;
    this.#remaining -= count;
    return count;
  }

  /** Closes the file and tells the owner; `error` when not everything was sent. */
  close(error?: Error): void {
    closeSync(this.#file);
    this.#onSent?.(error);
  }

  #sendDirectly(socket: number, sent: number): number {
    const count = Math.min(this.#remaining, TURN_BYTES - sent);
    const taken = syscalls.sendFile(socket, this.#file, this.#position, count);
    if (taken > 0) this.#position += taken;
    return taken;
  }

  #sendCopy(socket: number): number {
    const copy = this.#copy as Buffer;
    if (this.#copyStart === this.#copyEnd) {
      const wanted = Math.min(COPY_BYTES, this.#remaining);
      const read = syscalls.readAt(this.#file, copy, 0, wanted, this.#position);
      if (read <= 0) return read;
      this.#position += read;
      this.#copyStart = 0;
      this.#copyEnd = read;
    }
    const count = syscalls.send(socket, copy, this.#copyStart, this.#copyEnd - this.#copyStart);
    if (count > 0) this.#copyStart += count;
    return count;
  }

  #cutShort(): number {
    const message = `'${this.path}' became shorter while it was sent: ${this.#remaining} bytes are missing.`;
    this.failure = new ReactorError('ERR_MILLRACE_REACTOR_FILE', message);
    return -EIO;
  }
}

/** Closes a file that was handed over and is not sent. */
export function releaseFile(options: SendFileOptions | undefined): void {
  if (options?.fd !== undefined) closeSync(options.fd);
}

/** Closes the files among `items`, which are not sent; what their owners throw comes out once all are closed. */
export function closeFiles(items: readonly unknown[], reason?: Error): void {
  const errors: unknown[] = [];
  for (const item of items) {
    if (!(item instanceof OutgoingFile)) continue;
    try {
      item.close(reason ?? new Error('The connection is over.'));
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} owners of files have thrown.`);
}

function inRange(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}
