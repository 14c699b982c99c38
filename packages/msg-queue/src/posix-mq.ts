/**
 * The API of the npm package posix-mq 1.1.3, call for call, without its addon: `require` and `import` give what they
 * give there. New programs want `PosixQueue` of `@millrace/msg-queue`, which waits, iterates and types its errors.
 *
 * What differs is in the README: it loads in worker threads, a string is sent whole even when it has a NUL in it,
 * errors also carry `code`, `errno` and `syscall`, and properties read before `open` are 0.
 */

import { EventEmitter } from 'node:events';
import { getSystemErrorName } from 'node:util';
import { bytesOf, type PollRegistration, READABLE, WRITABLE } from '@millrace/channel';
import { NodePoller } from '@millrace/native';
import {
  EAGAIN,
  EBADF,
  EINTR,
  EINVAL,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDWR,
  syscalls,
} from '@millrace/native/syscalls';

export interface PosixMQConfig {
  /** Begins with a slash. */
  name: string;
  /** Whether to make the queue if it does not exist. Default false. */
  create?: boolean;
  /** Whether making it fails when it exists. */
  exclusive?: boolean;
  /** Permissions, needed with `create`: a number, or a string in octal. */
  mode?: number | string;
  /** Of a queue that is made. Default 10. */
  maxmsgs?: number;
  /** Of a queue that is made. Default 8,192. */
  msgsize?: number;
  /** For mq_open, instead of O_RDWR | O_NONBLOCK. */
  flags?: number;
}

const NOT_OPEN = -1;
const PRIORITIES = 32;
const DEFAULT_MAXMSGS = 10;
const DEFAULT_MSGSIZE = 8_192;

class PosixMQ extends EventEmitter {
  #fd = NOT_OPEN;
  #name: string | undefined;
  #registration: PollRegistration | undefined;
  /** Flags, most messages, largest message, messages there: as they were when the queue was last asked. */
  readonly #attributes = new Int32Array(4);
  readonly #attributeBytes = new Uint8Array(this.#attributes.buffer);
  readonly #priority = new Uint32Array(1);
  readonly #priorityBytes = new Uint8Array(this.#priority.buffer);
  #canRead = false;
  #canWrite = false;
  #watched = 0;

  /** Opens or makes a queue; one that this object had open is closed first. */
  open(...args: [config: PosixMQConfig]): void {
    if (this.#fd !== NOT_OPEN) this.#close();
    const [config] = args;
    if (args.length !== 1) throw new TypeError('Expecting 1 argument');
    const { name, flags, mode, maxmsgs, msgsize } = checkConfig(config);
    // libc asks for the slash, the kernel for the name without it.
    const fd = name.startsWith('/') ? syscalls.mqOpen(name.slice(1), flags, mode, maxmsgs, msgsize) : -EINVAL;
    if (fd < 0) throw systemError('mq_open', -fd);
    this.#fd = fd;
    this.#name = name;
    this.#refresh();
    // posix-mq begins with what is so at this moment, and so never tells of what changes before the loop's next turn.
    this.#canRead = this.#canWrite = false;
    this.#registration = new NodePoller().add(fd, (ready) => this.#ready(ready));
    this.#watch(READABLE | WRITABLE);
  }

  close(): void {
    if (this.#fd === NOT_OPEN) throw new Error('Queue already closed');
    this.#close();
  }

  /** Removes the queue that was opened last. */
  unlink(): void {
    if (this.#name === undefined) throw new Error('Nothing to unlink');
    const failed = syscalls.mqUnlink(this.#name.slice(1));
    if (failed < 0) throw systemError('mq_unlink', -failed);
    this.#name = undefined;
  }

  /** Sends; false: the queue is full. */
  push(...args: [data: Buffer | NodeJS.ArrayBufferView | string, priority?: number]): boolean {
    const [data, priority] = args;
    if (args.length < 1) throw new TypeError('Expected at least 1 argument');
    if (typeof data !== 'string' && !ArrayBuffer.isView(data)) {
      throw new TypeError('First argument must be a node::Buffer or v8::String');
    }
    // An argument that is there counts, even if it is undefined.
    const wanted = args.length < 2 ? 0 : priority;
    if (!isUint32(wanted) || wanted >= PRIORITIES) {
      throw new TypeError('Second argument must be an integer 0 <= n < 32');
    }
    const bytes = typeof data === 'string' ? Buffer.from(data) : bytesOf(data);
    let failed: number;
    do failed = syscalls.mqSend(this.#fd, bytes, 0, bytes.length, wanted);
    while (failed === -EINTR);
    if (failed < 0 && failed !== -EAGAIN) throw systemError('mq_send', -failed);
    this.#refresh();
    return failed >= 0;
  }

  /** Receives to `readbuf`, which has room for `msgsize` bytes: the message's length; false: there is none. */
  shift(readbuf: Buffer | NodeJS.ArrayBufferView, returnTuple?: false): number | false;
  shift(
    readbuf: Buffer | NodeJS.ArrayBufferView,
    returnTuple: true,
  ): [length: number, priority: number] | false;
  shift(...args: [Buffer | NodeJS.ArrayBufferView, boolean?]): number | [number, number] | false {
    const [readbuf, returnTuple] = args;
    if (args.length < 1) throw new TypeError('Expected at least 1 argument');
    if (!ArrayBuffer.isView(readbuf)) throw new TypeError('First argument must be a node::Buffer');
    const bytes = bytesOf(readbuf);
    let length: number;
    do length = syscalls.mqReceive(this.#fd, bytes, 0, bytes.length, this.#priorityBytes);
    while (length === -EINTR);
    if (length < 0 && length !== -EAGAIN) throw systemError('mq_receive', -length);
    this.#refresh();
    if (length < 0) return false;
    return returnTuple ? [length, this.#priority[0] as number] : length;
  }

  get msgsize(): number {
    this.#refresh();
    return this.#attributes[2] as number;
  }

  get maxmsgs(): number {
    this.#refresh();
    return this.#attributes[1] as number;
  }

  get curmsgs(): number {
    this.#refresh();
    return this.#attributes[3] as number;
  }

  get isFull(): boolean {
    return this.curmsgs === this.maxmsgs;
  }

  /** What a closed queue last was stays readable, as it does there. */
  #refresh(): void {
    if (this.#fd !== NOT_OPEN) syscalls.mqAttributes(this.#fd, this.#attributeBytes);
  }

  #close(): void {
    this.#registration?.close();
    this.#registration = undefined;
    syscalls.close(this.#fd);
    this.#fd = NOT_OPEN;
    this.#watched = 0;
  }

  #watch(events: number): void {
    this.#watched = events;
    this.#registration?.update({ read: (events & READABLE) !== 0, write: (events & WRITABLE) !== 0 });
  }

  /**
   * The state machine of posix-mq: each kind of readiness is reported once, and watched again as soon as a
   * report comes without it. So `drain` follows each `messages`, and a handler that leaves messages in the queue is
   * called again.
   */
  #ready(ready: number): void {
    const registration = this.#registration;
    let events = this.#watched;
    const becameReadable = (ready & READABLE) !== 0 && !this.#canRead;
    if (becameReadable) events &= ~READABLE;
    else if ((ready & READABLE) === 0) events |= READABLE;
    this.#canRead = (ready & READABLE) !== 0;
    if (becameReadable) this.emit('messages');
    if (this.#registration !== registration) return;
    const becameWritable = (ready & WRITABLE) !== 0 && !this.#canWrite;
    if (becameWritable) events &= ~WRITABLE;
    else if ((ready & WRITABLE) === 0) events |= WRITABLE;
    this.#canWrite = (ready & WRITABLE) !== 0;
    if (becameWritable) this.emit('drain');
    if (this.#registration === registration) this.#watch(events);
  }
}

interface OpenArguments {
  readonly name: string;
  readonly flags: number;
  readonly mode: number;
  readonly maxmsgs: number;
  readonly msgsize: number;
}

/** The checks of `open`, in its order and with its words. */
function checkConfig(config: PosixMQConfig): OpenArguments {
  if ((typeof config !== 'object' && typeof config !== 'function') || config === null) {
    throw new TypeError('Argument must be an object');
  }
  const { create, flags = O_RDWR | O_NONBLOCK, name, mode, exclusive, maxmsgs, msgsize } = config;
  if (create !== undefined && typeof create !== 'boolean') {
    throw new TypeError("'create' property must be a boolean");
  }
  if (!isUint32(flags)) throw new TypeError("'flags' property must be an int");
  if (typeof name !== 'string') throw new TypeError("'name' property must be a string");
  if (create !== true) return { name, flags, mode: 0, maxmsgs: 0, msgsize: 0 };
  if (!isUint32(mode) && typeof mode !== 'string') {
    throw new TypeError("'mode' property must be a string or integer");
  }
  return {
    name,
    flags: flags | O_CREAT | (exclusive === true ? O_EXCL : 0),
    mode: isUint32(mode) ? mode : Number.parseInt(mode, 8) || 0,
    maxmsgs: isUint32(maxmsgs) ? maxmsgs : DEFAULT_MAXMSGS,
    msgsize: isUint32(msgsize) ? msgsize : DEFAULT_MSGSIZE,
  };
}

function isUint32(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

function systemError(syscall: string, errno: number): Error {
  // A queue that is not open has no descriptor, and that is what is said of it.
  const code = errno === EBADF ? 'EBADF' : getSystemErrorName(-errno);
  return Object.assign(new Error(strerror(errno)), { code, errno, syscall });
}

// What `require('posix-mq')` gives is the class; `import` gives it as the default.
export {
  PosixMQ,
  // biome-ignore lint/style/noDefaultExport: the package that this stands in for has one
  PosixMQ as default,
  PosixMQ as 'module.exports',
};

/** The words of libc for what the calls of a POSIX queue answer; posix-mq's errors have them as their message. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EBADF: 'Bad file descriptor',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EMFILE: 'Too many open files',
  EMSGSIZE: 'Message too long',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENOENT: 'No such file or directory',
  ENOMEM: 'Cannot allocate memory',
  ENOSPC: 'No space left on device',
  ENOSYS: 'Function not implemented',
  EPERM: 'Operation not permitted',
};

function strerror(errno: number): string {
  const name = getSystemErrorName(-errno);
  return WORDS[name] ?? name;
}
