import { closeSync, constants, fstatSync, lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { syscalls } from './addon.js';
import { AT_FDCWD, EISDIR, ELOOP, ENAMETOOLONG, O_PATH } from './constants.js';
import { isTrusted, UntrustedError } from './owners.js';

const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** As many as the kernel follows in one path. */
const MAX_LINKS = 40;
/** PATH_MAX. */
const TARGET_BYTES = 4_096;

/** A name, and the descriptor of the directory that it is relative to. */
export interface Entry {
  readonly directory: number;
  readonly name: string;
}

/** What `use` returns for a name that is a link. */
export const IS_LINK = -ELOOP;

interface ForeignLink {
  readonly object: string;
  readonly owner: number;
}

/**
 * Calls `use` with what a path leads to, where other users may have made links in it: a directory on the way may be theirs, or
 * one that all may write, and then a link sends what is written to any place that this process may write.
 *
 * Algorithm. Each name is opened relative to the descriptor of the directory before it, without following a link, so what
 * has been looked at is what is used, whatever is renamed meanwhile. Links of root and this user are followed. One of another
 * user is, too, where it ends in a directory of that same user: then it leads to nothing but what is that user's already.
 * `use` is to follow no link unless it is told to, and answers `IS_LINK` for one; then it is called for what that leads to.
 *
 * Throws `UntrustedError`, or an error as `openSync` throws it.
 */
export function withTrustedPath(
  path: string,
  advice: string,
  use: (entry: Entry, follow: boolean) => number,
): number {
  const names = partsOf(resolve(path));
  const foreign: ForeignLink[] = [];
  let directory = open(AT_FDCWD, '/', O_DIRECTORY, path);
  const enter = (next: number) => {
    closeSync(directory);
    directory = next;
  };
  try {
    for (let links = 0; links <= MAX_LINKS; ) {
      const name = names.shift();
      if (name === undefined) throw pathError(EISDIR, path);
      const isLast = names.length === 0;
      if (isLast) {
        assertOwnedAlike(directory, foreign, advice);
        const result = use({ directory, name }, false);
        if (result !== IS_LINK) return result;
      }
      const next = open(directory, name, O_NOFOLLOW, path);
      const status = fstatSync(next);
      if (!status.isSymbolicLink() && !isLast) {
        enter(next);
        continue;
      }
      links++;
      if (!status.isSymbolicLink()) {
        // It was a link a moment ago.
        closeSync(next);
        names.unshift(name);
      } else if (status.dev === lstatSync('/proc/self', { throwIfNoEntry: false })?.dev) {
        // The kernel alone makes links there, and what they lead to may have no path: /dev/stdout ends in such a one.
        closeSync(next);
        if (isLast) return use({ directory, name }, true);
        enter(open(directory, name, O_DIRECTORY, path));
      } else {
        const target = targetOf(next, path);
        if (!isTrusted(status.uid))
          foreign.push({ object: `The link '${name}' of ${path}`, owner: status.uid });
        if (target.startsWith('/')) enter(open(AT_FDCWD, '/', O_DIRECTORY, path));
        names.unshift(...partsOf(target));
      }
    }
    throw pathError(ELOOP, path);
  } finally {
    closeSync(directory);
  }
}

/** An error of that number as those of `node:fs` are. */
export function pathError(errno: number, path: string): NodeJS.ErrnoException {
  const [code = String(errno), text = 'unknown error'] = getSystemErrorMap().get(-errno) ?? [];
  const message = `${code}: ${text}, open '${path}'`;
  return Object.assign(new Error(message), { code, errno: -errno, syscall: 'open', path });
}

function assertOwnedAlike(directory: number, foreign: readonly ForeignLink[], advice: string): void {
  if (foreign.length === 0) return;
  const { uid } = fstatSync(directory);
  const wrong = foreign.find(({ owner }) => owner !== uid);
  if (wrong === undefined) return;
  const why = `belongs to user ${wrong.owner} and leads to a directory of user ${uid}`;
  throw new UntrustedError(wrong.object, wrong.owner, why, advice);
}

/** Without more rights to a file than its name gives. */
function open(directory: number, name: string, flags: number, path: string): number {
  const fd = syscalls.openAt(directory, name, O_PATH | flags, 0);
  if (fd < 0) throw pathError(-fd, path);
  return fd;
}

/** The target of a link, which is closed. */
function targetOf(link: number, path: string): string {
  try {
    const bytes = Buffer.allocUnsafe(TARGET_BYTES);
    const length = syscalls.readLinkAt(link, '', bytes);
    if (length < 0) throw pathError(-length, path);
    if (length === TARGET_BYTES) throw pathError(ENAMETOOLONG, path);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(link);
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
