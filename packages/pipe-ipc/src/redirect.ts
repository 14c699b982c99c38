import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { check, createSocketPair, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';

/** The standard input, output and error of a program that is going to be started, as one stream of bytes. */
export interface Redirect {
  /** What is written is the program's input; what it prints, on either output, is read in the order printed. */
  readonly stream: Duplex;
  /** For the `stdio` of `child_process.spawn`. */
  readonly stdio: readonly [number, number, number];
  /** Gives up this process's copy of the program's end, once the program is started; idempotent. */
  close(): void;
}

/**
 * Makes a stream pair for a program that need not know of Millrace. It stays connected when the program replaces itself by
 * another (`exec`), and ends when the last process that has it is gone. Throws `SystemCallError`.
 */
export function createRedirect(): Redirect {
  const [left, right] = createSocketPair(SOCK_STREAM);
  // Programs expect to wait in read and write.
  check(syscalls.setNonBlocking(right, 0), 'fcntl');
  let closed = false;
  return {
    stream: new Socket({ fd: left, readable: true, writable: true }),
    stdio: [right, right, right],
    close() {
      if (closed) return;
      closed = true;
      syscalls.close(right);
    },
  };
}
