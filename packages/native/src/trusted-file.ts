import { constants, fstatSync, lstatSync } from 'node:fs';
import { syscalls } from './addon.js';
import { AT_FDCWD, ELOOP, ENXIO } from './constants.js';
import { check, SystemCallError } from './errors.js';
import { assertTrusted, type TrustedUsers } from './owners.js';

const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
/** Without O_NONBLOCK a FIFO that nobody reads would block for ever. */
const APPEND = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK;
const ADVICE = 'Remove it, or name a file in a directory that only this user may write.';

/**
 * Opens a file that output is added to, and makes it where there is none; returns its descriptor. A link is followed,
 * and a file taken, when it is root's, this user's or a trusted user's: anybody may have made them first in a
 * directory that all may write. Devices and terminals are taken as they are. Throws `UntrustedError`, `SystemCallError`.
 */
export function openForAppending(path: string, mode = 0o666, trusted?: TrustedUsers): number {
  let fd = syscalls.openAt(AT_FDCWD, path, APPEND | O_NOFOLLOW, mode);
  if (fd === -ELOOP) {
    assertTrusted(`The link ${path}`, lstatSync(path).uid, trusted, ADVICE);
    fd = syscalls.openAt(AT_FDCWD, path, APPEND, mode);
  }
  if (fd === -ENXIO)
    throw new SystemCallError('open', ENXIO, path, 'It is a FIFO or socket that nobody reads.');
  check(fd, 'open', path);
  try {
    const status = fstatSync(fd);
    if (!status.isCharacterDevice()) assertTrusted(`The file ${path}`, status.uid, trusted, ADVICE);
    check(syscalls.setNonBlocking(fd, 0), 'fcntl', path);
    return fd;
  } catch (error) {
    syscalls.close(fd);
    throw error;
  }
}
