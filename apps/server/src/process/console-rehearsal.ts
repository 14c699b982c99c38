import { Console } from 'node:console';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { check, syscalls } from '@millrace/native/syscalls';

/**
 * Writes a line by a console to a pipe of nobody's. The first line that a program prints takes some milliseconds of processor time otherwise: Node
 * loads its sockets for it, and compiles on the way. The streams of this process are left alone: Node makes them non-blocking as it opens them.
 *
 * Throws `SystemCallError` where there are no more descriptors.
 */
export function rehearseConsole(): void {
  const ends = new Int32Array(2);
  check(syscalls.pipe(new Uint8Array(ends.buffer)), 'pipe2');
  const [readable = -1, writable = -1] = ends;
  try {
    // From here on the end is the socket's, also where it cannot be opened.
    const stdout = new Socket({ fd: writable, readable: false, writable: true });
    stdout.on('error', () => {});
    new Console({ stdout }).log('');
    stdout.destroy();
  } finally {
    closeSync(readable);
  }
}
