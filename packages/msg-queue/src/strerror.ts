import { getSystemErrorName } from 'node:util';

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

export function strerror(errno: number): string {
  const name = getSystemErrorName(-errno);
  return WORDS[name] ?? name;
}
