import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from '@millrace/channel';
import { SystemCallError, UntrustedError } from '@millrace/native';
import { PrivateDirectory } from '@millrace/native/internal';
import { QueueError } from '../errors.js';
import {
  isOfTheDead,
  joinSpillPath,
  makeSpillName,
  SPILL_PREFIX,
  spillWriter,
  splitSpillPath,
} from './spill-name.js';

/**
 * Payloads that are larger than a message of a queue: a file each, written before its message is sent, and gone
 * before its payload is handed to a reader.
 *
 * Notes.
 * - The directory that is given may be one where other users write too, such as /tmp. The files are in one below it,
 *   which this user alone may enter (PrivateDirectory of @millrace/native), for all channels of the user. A message
 *   names a file in such a directory, and nothing else can be named: who writes to a queue reads no file by that.
 * - A file is left behind when its message is never read: its reader dies with the message in hand, or its writer
 *   before it is sent. `sweep` finds those.
 */
export class SpillDirectory {
  readonly path: string;
  readonly #token: string;
  readonly #maxLength: number;
  /** Where this process writes. */
  #own: PrivateDirectory | undefined;

  /** Files below `path` of the queue with this token; none is read that has more than `maxLength` bytes. */
  constructor(path: string, token: string, maxLength: number) {
    this.path = path;
    this.#token = token;
    this.#maxLength = maxLength;
  }

  /** Writes a payload to a file of its own and returns what a message calls it. Throws `ERR_MILLRACE_QUEUE_SPILL`. */
  write(frame: Frame): string {
    const name = makeSpillName(this.#token);
    try {
      return joinSpillPath(this.#write(name, frame).path, name);
    } catch (error) {
      throw this.#writeError(error as Error, frame.length);
    }
  }

  /** Reads a payload of `length` bytes; its file is gone then. Throws `ERR_MILLRACE_QUEUE_BAD_MESSAGE`. */
  take(named: string, length: number): Buffer {
    const [inner, name] = splitSpillPath(named);
    if (inner === undefined || spillWriter(name, this.#token) === undefined) {
      throw badFile(`a file ${JSON.stringify(named)}, which is none of this queue`);
    }
    if (length > this.#maxLength) {
      throw badFile(`a payload of ${length} bytes, the limit is ${this.#maxLength}`);
    }
    return this.#within(inner, (directory) => readPayload(directory, name, length));
  }

  /** Removes the file of a message that was not sent. */
  remove(named: string): void {
    const [inner, name] = splitSpillPath(named);
    if (inner !== undefined) this.#within(inner, (directory) => void directory.unlink(name));
  }

  /** Removes all files of a queue that has been removed itself. */
  removeAll(): void {
    if (!existsSync(this.path)) return;
    for (const directory of this.#all()) {
      directory.removeFiles((name) => spillWriter(name, this.#token) !== undefined);
      directory.removeEmpty();
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
    const leftovers = this.#all().map((directory) => ({ directory, names: this.#ofTheDead(directory) }));
    try {
      if (leftovers.every(({ names }) => names.size === 0) || signal.aborted || !isEmpty()) return 0;
      await sleep(graceMs, undefined, { ref: false, signal });
      let removed = 0;
      for (const { directory, names } of leftovers)
        removed += directory.removeFiles((name) => names.has(name));
      return removed;
    } finally {
      for (const { directory } of leftovers) directory.removeEmpty();
    }
  }

  /** Removes the directory below, when nothing is in it: another channel makes it anew. Idempotent. */
  close(): void {
    this.#own?.removeEmpty();
    this.#own = undefined;
  }

  /** Writes a file in the directory of this user, which is made if need be; returns that. */
  #write(name: string, frame: Frame): PrivateDirectory {
    const head = frame.head.subarray(0, frame.headLength);
    const body = frame.body.subarray(frame.bodyStart, frame.bodyEnd);
    const path = () =>
      PrivateDirectory.find(this.path, SPILL_PREFIX) ??
      join(this.path, PrivateDirectory.newName(SPILL_PREFIX));
    this.#own ??= new PrivateDirectory(path());
    try {
      this.#own.write(name, head, body);
    } catch (error) {
      if (!(error instanceof UntrustedError)) throw error;
      // Something has removed it, and another user has taken its name, which all could see by then.
      this.#own = new PrivateDirectory(path());
      this.#own.write(name, head, body);
    }
    return this.#own;
  }

  /** Does something in one of this user's directories. */
  #within<Result>(inner: string, action: (directory: PrivateDirectory) => Result): Result {
    const path = join(this.path, inner);
    if (this.#own?.path === path) return action(this.#own);
    const directory = new PrivateDirectory(path);
    try {
      const result = action(directory);
      // A reader that writes nothing keeps it, for the next payload is most likely there too.
      this.#own ??= directory;
      return result;
    } finally {
      if (this.#own !== directory) directory.close();
    }
  }

  /** All of this user's, which the caller closes. */
  #all(): PrivateDirectory[] {
    return PrivateDirectory.findAll(this.path, SPILL_PREFIX).map((path) => new PrivateDirectory(path));
  }

  #ofTheDead(directory: PrivateDirectory): ReadonlySet<string> {
    return new Set(directory.list().filter((name) => isOfTheDead(name, this.#token)));
  }

  #writeError(cause: Error, length: number): QueueError {
    const call = callOf(cause);
    return new QueueError(
      'ERR_MILLRACE_QUEUE_SPILL',
      `A payload of ${length} bytes is larger than a message and could not be written to ${this.path} ` +
        `(${call.name}): ${adviceFor(call.name)}.`,
      {
        cause,
        ...(call.syscall !== undefined && { syscall: call.syscall }),
        ...(call.errno !== undefined && { errno: call.errno }),
      },
    );
  }
}

function readPayload(directory: PrivateDirectory, name: string, length: number): Buffer {
  const file = join(directory.path, name);
  try {
    return directory.take(name, (size) => {
      if (size !== length) throw badFile(`the file ${file} of ${length} bytes, which has ${size}`);
    });
  } catch (cause) {
    if (cause instanceof QueueError) throw cause;
    const { name: why } = callOf(cause as Error);
    const advice = why === 'ENOENT' ? ': both sides need one spill directory' : '';
    throw badFile(`the file ${file}, which cannot be read and removed (${why})${advice}`, cause);
  }
}

/** What the system says, in an error of Node or of @millrace/native; errno is positive. */
function callOf(error: Error): { readonly name: string; readonly syscall?: string; readonly errno?: number } {
  if (error instanceof SystemCallError)
    return { name: error.errnoName, syscall: error.syscall, errno: error.errno };
  if (error instanceof UntrustedError) return { name: error.message };
  const { code = error.message, syscall, errno } = error as NodeJS.ErrnoException;
  return { name: code, ...(syscall && { syscall }), ...(errno !== undefined && { errno: -errno }) };
}

function adviceFor(code: string): string {
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return 'the directory does not exist: make it, or name another with the option `directory`';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return 'it is full: make room, or name another with the option `directory`';
  return 'name another with the option `directory`';
}

function badFile(what: string, cause?: unknown): QueueError {
  return new QueueError('ERR_MILLRACE_QUEUE_BAD_MESSAGE', `A message names ${what}.`, { cause });
}
