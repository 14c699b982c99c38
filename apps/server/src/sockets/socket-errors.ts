import { constants } from 'node:os';

/** The error of a socket whose client has broken the connection off; as the kernel's sockets have it. */
export function brokenOff(): NodeJS.ErrnoException {
  return Object.assign(new Error('read ECONNRESET'), {
    errno: -constants.errno.ECONNRESET,
    code: 'ECONNRESET',
    syscall: 'read',
  });
}

/** What the callback of a write gets that was under way when its socket was destroyed; node:http looks at the code. */
export function writeAfterDestroy(): NodeJS.ErrnoException {
  return Object.assign(new Error('Cannot call write after a stream was destroyed'), {
    code: 'ERR_STREAM_DESTROYED',
  });
}
