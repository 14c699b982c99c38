import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from '@millrace/channel';
import { QueueError } from './errors.js';
import { isAlive } from './process-owner.js';
import { makeSpillName, spillWriter } from './spill-name.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
/** Only the user who wrote a payload reads it. */
const FILE_MODE = 0o600;

/**
 * Payloads that are larger than a message of a queue: a file each, written before its message is sent, and gone
 * before its payload is handed to anybody.
 *
 * Notes. A file is left behind when its message is never read: its reader dies with the message in hand, or its
 * writer before it is sent. `sweep` finds those.
 */
export class SpillDirectory {
  readonly path: string;
  readonly #token: string;
  readonly #maxLength: number;

  /** Files in `path` of the queue with this token; none is read that has more than `maxLength` bytes. */
  constructor(path: string, token: string, maxLength: number) {
    this.path = path;
    this.#token = token;
    this.#maxLength = maxLength;
  }

  /** Writes a payload to a file of its own and returns its name. Throws `ERR_MILLRACE_QUEUE_SPILL`. */
  write(frame: Frame): string {
    const name = makeSpillName(this.#token);
    const file = join(this.path, name);
    let fd: number | undefined;
    try {
      fd = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
      writeAll(fd, frame.head, 0, frame.headLength);
      writeAll(fd, frame.body, frame.bodyStart, frame.bodyEnd);
      return name;
    } catch (error) {
      if (fd !== undefined) this.remove(name);
      throw this.#writeError(error as NodeJS.ErrnoException, frame.length);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** Reads a payload of `length` bytes; its file is gone then. Throws `ERR_MILLRACE_BAD_MESSAGE`. */
  take(name: string, length: number): Buffer {
    if (spillWriter(name, this.#token) === undefined) {
      throw badFile(`a file ${JSON.stringify(name)}, which is none of this queue`);
    }
    if (length > this.#maxLength) {
      throw badFile(`a payload of ${length} bytes, the limit is ${this.#maxLength}`);
    }
    const file = join(this.path, name);
    let fd: number;
    try {
      fd = openSync(file, O_RDONLY | O_NOFOLLOW);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw badFile(
        `the file ${file}, which cannot be read (${code}): both sides need one spill directory`,
        cause,
      );
    }
    try {
      unlinkSync(file);
      const { size } = fstatSync(fd);
      if (size !== length) throw badFile(`the file ${file} of ${length} bytes, which has ${size}`);
      return readAll(fd, length);
    } catch (cause) {
      if (cause instanceof QueueError) throw cause;
      throw badFile(`the file ${file}, which cannot be read and removed`, cause);
    } finally {
      closeSync(fd);
    }
  }

  /** Removes the file of a message that was not sent. */
  remove(name: string): void {
    try {
      unlinkSync(join(this.path, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Removes all files of a queue that has been removed itself. */
  removeAll(): void {
    if (!existsSync(this.path)) return;
    for (const name of readdirSync(this.path)) {
      if (spillWriter(name, this.#token) !== undefined) this.remove(name);
    }
  }

  /**
   * Removes files whose writer is dead and whose message has been taken; returns how many.
   *
   * Algorithm. The files of dead writers are listed; no message for one of them is sent any more. If then `isEmpty`
   * says that the queue holds no message, all of theirs have been taken. A reader that has taken one opens its file
   * at once; what is there after `graceMs` more has none. A queue that is not empty is left for the next start.
   */
  async sweep(isEmpty: () => boolean, graceMs: number, signal: AbortSignal): Promise<number> {
    const leftovers = (await readdir(this.path)).filter((name) => {
      const writer = spillWriter(name, this.#token);
      return writer !== undefined && !isAlive(writer);
    });
    if (leftovers.length === 0 || signal.aborted || !isEmpty()) return 0;
    await sleep(graceMs, undefined, { ref: false, signal });
    let removed = 0;
    for (const name of leftovers) {
      try {
        await unlink(join(this.path, name));
        removed++;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return removed;
  }

  #writeError(cause: NodeJS.ErrnoException, length: number): QueueError {
    const advice =
      cause.code === 'ENOENT' || cause.code === 'ENOTDIR'
        ? 'the directory does not exist: make it, or name another with the option `directory`'
        : cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
          ? 'it is full: make room, or name another with the option `directory`'
          : 'name another with the option `directory`';
    return new QueueError(
      'ERR_MILLRACE_QUEUE_SPILL',
      `A payload of ${length} bytes is larger than a message and could not be written to ${this.path} ` +
        `(${cause.code}): ${advice}.`,
      {
        cause,
        ...(cause.syscall !== undefined && { syscall: cause.syscall }),
        ...(cause.errno !== undefined && { errno: -cause.errno }),
      },
    );
  }
}

function badFile(what: string, cause?: unknown): QueueError {
  return new QueueError('ERR_MILLRACE_BAD_MESSAGE', `A message names ${what}.`, { cause });
}

function writeAll(fd: number, bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; ) at += writeSync(fd, bytes, at, end - at);
}

function readAll(fd: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; ) {
    const read = readSync(fd, bytes, at, length - at, at);
    if (read === 0) throw badFile('a file that became shorter while it was read');
    at += read;
  }
  return bytes;
}
