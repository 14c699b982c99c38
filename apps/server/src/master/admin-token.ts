import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { assertTrusted } from '@millrace/native/internal';
import { ServerError } from '../errors.js';
import type { ResolvedAdmin } from '../options/admin-options.js';

const MIN_LENGTH = 16;
const MAX_BYTES = 4_096;
/** Of a mode: it is read or written by others than the owner. */
const OTHERS = 0o077;

/**
 * The SHA-256 of the token that clients of TCP have to know, in hexadecimal. The token itself goes no further: the variable is
 * removed, so that no process below the master inherits it. Throws `ERR_MILLRACE_ADMIN`.
 */
export function takeTokenHash({ tokenFile, tokenVariable }: ResolvedAdmin): string {
  const text = tokenFile === undefined ? process.env[tokenVariable] : readTokenFile(tokenFile);
  if (tokenFile === undefined) delete process.env[tokenVariable];
  const where = tokenFile === undefined ? `the variable ${tokenVariable}` : `the file '${tokenFile}'`;
  const token = text?.trim() ?? '';
  if (token === '')
    throw new ServerError(
      'ERR_MILLRACE_ADMIN',
      `The option 'admin.port' takes a token of its clients, and ${where} has none: put one there, as from openssl rand -hex 32.`,
    );
  if (token.length < MIN_LENGTH)
    throw new ServerError(
      'ERR_MILLRACE_ADMIN',
      `The token in ${where} has ${token.length} characters, which can be guessed: ${MIN_LENGTH} are the least.`,
    );
  return tokenHash(token);
}

export const tokenHash = (token: string) => createHash('sha256').update(token).digest('hex');

function readTokenFile(path: string): string {
  try {
    // A FIFO must not be waited for.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const status = fstatSync(fd);
      const advice = "Make one that is this user's alone: chmod 600.";
      if (!status.isFile()) throw new TypeError(`it is no regular file. ${advice}`);
      assertTrusted(`The file ${path}`, status.uid, undefined, advice);
      if ((status.mode & OTHERS) !== 0)
        throw new TypeError(`other users may read it (mode ${(status.mode & 0o777).toString(8)}). ${advice}`);
      const bytes = Buffer.alloc(MAX_BYTES);
      return bytes.toString('utf8', 0, readSync(fd, bytes, 0, MAX_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const message = `The tokenFile '${path}' of the admin interface cannot be used: ${(cause as Error).message}`;
    throw new ServerError('ERR_MILLRACE_ADMIN', message, { cause });
  }
}
