import { closeSync } from 'node:fs';
import { SystemCallError } from '@millrace/native';
import {
  createSocketPair,
  EAGAIN,
  ENOENT,
  MAX_RIGHTS,
  SOCK_SEQPACKET,
  syscalls,
} from '@millrace/native/syscalls';
import type { ResolvedOptions } from '../options/resolve-options.js';

/**
 * How a log file that was opened anew travels to processes that may not open it themselves, since `user`, `group` or `chroot`
 * has taken the rights for it: the manager opens it, and the descriptor travels. Between the manager and each name lies a
 * socket pair that holds the one descriptor of the present file.
 *
 * Notes.
 * - It is looked at and stays, so that all processes of a name find it, those that come later too, and one that dies before
 *   it has looked leaves nothing behind. A pair for each name: a process can take only the file of its own name.
 * - The manager puts the next file in its place before it tells the processes to look.
 */
export const LOG_FILE = 'log.file';

const MARK = Buffer.from([1]);

/** Whether the processes below the manager get log files by descriptor. */
export function sendsLogFiles({ logFile, user, group, chroot }: ResolvedOptions): boolean {
  return logFile !== undefined && (user !== undefined || group !== undefined || chroot !== undefined);
}

/** The manager's ends. */
export class LogFiles {
  readonly #pairs: (readonly [from: number, to: number])[] = [];

  /** Makes the pair of one more name; the descriptor that its processes are given. */
  add(): number {
    const pair = createSocketPair(SOCK_SEQPACKET);
    this.#pairs.push(pair);
    return pair[1];
  }

  /** Puts an open file, which stays the caller's, where the processes look. Throws `SystemCallError` when it has been for all. */
  put(file: number): void {
    const right = new Uint8Array(Int32Array.of(file).buffer);
    let failed = 0;
    for (const [from, to] of this.#pairs) {
      removeAll(to);
      const result = syscalls.sendRights(from, MARK, MARK.length, right, 1);
      if (result < 0) failed = -result;
    }
    if (failed !== 0)
      throw new SystemCallError('sendmsg', failed, 'the log file, to a process below the manager');
  }
}

/** The present log file, in a process below the manager; the descriptor is the caller's. Throws `SystemCallError`. */
export function takeLogFile(socket: number): number {
  const { result, files } = look(socket, syscalls.peekRights);
  const [file, ...more] = files;
  for (const other of more) closeSync(other);
  if (file !== undefined) return file;
  const errno = result < 0 && result !== -EAGAIN ? -result : ENOENT;
  throw new SystemCallError('recvmsg', errno, 'the log file of the manager');
}

function removeAll(socket: number): void {
  for (;;) {
    const { result, files } = look(socket, syscalls.receiveRights);
    for (const file of files) closeSync(file);
    // -EMFILE has taken the message as well.
    if (result === -EAGAIN) return;
  }
}

function look(socket: number, how: typeof syscalls.receiveRights) {
  const rights = new Int32Array(1 + MAX_RIGHTS);
  const result = how(socket, Buffer.alloc(MARK.length), MARK.length, new Uint8Array(rights.buffer));
  return { result, files: rights.subarray(1, 1 + (rights[0] as number)) };
}
