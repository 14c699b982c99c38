import { createHash, randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { livenessOf, type ProcessIdentity } from '@millrace/native';
import { PrivateDirectory, processTag, taggedProcess } from '@millrace/native/internal';

/**
 * Begins the name of a user's directory of payloads, below the one that the channel was opened with; 32 random
 * hexadecimal digits end it.
 */
export const SPILL_PREFIX = 'millrace-queue-files-';

/**
 * What a message calls a payload's file: `<the 32 digits of the directory>/<the name of the file>`, which is
 *
 *   millrace-queue-<token>-<namespace>-<pid>-<start time>-<number>
 *
 *   token       of the queue: the first 12 hexadecimal digits of the SHA-256 of `posix:/name`, of `sysv:0x0000abcd`
 *               (the key) or of `sysv-id:17` (a private queue), so that a reader takes no file of another queue
 *   namespace   the inode of the writer's pid namespace, decimal: a pid of another one tells nothing here
 *   pid         of the writer, decimal
 *   start time  of the writer, field 22 of /proc/<pid>/stat: the pair is that process and no later one
 *   number      16 random hexadecimal digits
 */
const PATTERN = /^millrace-queue-([0-9a-f]{12})-(\d+-\d+-\d+)-[0-9a-f]{16}$/;
const TOKEN_DIGITS = 12;

/** What a message calls a file of a directory. */
export function joinSpillPath(directory: string, name: string): string {
  return `${basename(directory).slice(SPILL_PREFIX.length)}/${name}`;
}

/** The directory and the file that a message names; `[undefined, '']` for what no directory of payloads can be. */
export function splitSpillPath(named: string): [directory: string | undefined, name: string] {
  const [secret = '', name = '', ...more] = named.split('/');
  const directory = `${SPILL_PREFIX}${secret}`;
  return PrivateDirectory.isName(directory, SPILL_PREFIX) && more.length === 0
    ? [directory, name]
    : [undefined, ''];
}

export function queueToken(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, TOKEN_DIGITS);
}

export function makeSpillName(token: string): string {
  return `millrace-queue-${token}-${processTag()}-${randomBytes(8).toString('hex')}`;
}

/** The writer that such a name tells of, or undefined when it is none of this queue. */
export function spillWriter(name: string, token: string): ProcessIdentity | undefined {
  const [, of, writer = ''] = PATTERN.exec(name) ?? [];
  return of === token ? taggedProcess(writer) : undefined;
}

/** Whether its writer has certainly ended: one that is hidden, or of another pid namespace, may live. */
export function isOfTheDead(name: string, token: string): boolean {
  const writer = spillWriter(name, token);
  return writer !== undefined && livenessOf(writer) === 'dead';
}
