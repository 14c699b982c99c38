import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** Permissions that nobody but the owner may have: V8 runs what it reads. */
const OTHERS = 0o077;
const WRITABLE_BY_ALL = 0o002;
const DIGEST = 'sha256';
const DIGEST_BYTES = 32;
/** Of a digest, in a file's name. */
const KEY_DIGITS = 32;
const PREFIX = 'code-';
const UNFINISHED = '.new';
/** Caches that are kept: of so many versions of Node, of V8's options and of the server, and directories that one was deployed to. Each is about a megabyte. */
const MOST_FILES = 8;
/** Milliseconds after which a file that was not finished is that of a process which has died. */
const ABANDONED_MS = 60_000;

/** Whose compiled code a cache has: V8 gives the functions of a cache the path that they were compiled for, whatever it is told then. */
export interface CachedScript {
  readonly path: string;
  /** Of its source. */
  readonly hash: string;
}

/**
 * What V8 has compiled of `source` before; undefined where there is none, or none that is surely this user's and of that source. The
 * directory is opened once and what is in it by that descriptor, so that no other user can have put another in its place.
 */
export function readCodeCache(script: CachedScript, source: Uint8Array): Buffer | undefined {
  return within((directory) => {
    const fd = openSync(join(directory, nameOf(script)), O_RDONLY | O_NOFOLLOW);
    try {
      if (!isPrivate(fd, 'isFile')) return undefined;
      const file = readFileSync(fd);
      const compiled = file.subarray(DIGEST_BYTES);
      return digestOf(source, compiled).equals(file.subarray(0, DIGEST_BYTES)) ? compiled : undefined;
    } finally {
      closeSync(fd);
    }
  });
}

/** Keeps it for the next process, unless another is about to; where that is not possible, each process compiles for itself. */
export function writeCodeCache(script: CachedScript, source: Uint8Array, compile: () => Uint8Array): void {
  within((directory) => {
    const name = nameOf(script);
    const unfinished = join(directory, name + UNFINISHED);
    removeOld(directory, name);
    const fd = openSync(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
    try {
      const compiled = compile();
      writeFileSync(fd, Buffer.concat([digestOf(source, compiled), compiled]));
      renameSync(unfinished, join(directory, name));
    } catch (error) {
      unlinkSync(unfinished);
      throw error;
    } finally {
      closeSync(fd);
    }
  }, true);
}

/**
 * Stands before what was compiled. V8 compares of the source the length alone, and of what was compiled as well: a process that is given one
 * that was damaged, or is not whole after a power cut, dies of it, as does each after it.
 */
function digestOf(source: Uint8Array, compiled: Uint8Array): Buffer {
  return createHash(DIGEST).update(source).update(compiled).digest();
}

/** Node's version is in V8's tag, as are its options; the rest is of the machine and of the user. */
function nameOf({ path, hash }: CachedScript): string {
  const key = createHash(DIGEST).update(hash).update(path).digest('hex').slice(0, KEY_DIGITS);
  return `${PREFIX}${process.version}-${process.arch}-${cachedDataVersionTag().toString(16)}-${key}`;
}

/** Errors of the file system: a start goes without a cache then, as it does on a full disk and without a home. */
function within<T>(use: (directory: string) => T, make = false): T | undefined {
  let fd: number | undefined;
  try {
    const path = cacheDirectory();
    if (path === undefined) return undefined;
    if (make) mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
    fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return isPrivate(fd, 'isDirectory') ? use(`/proc/self/fd/${fd}`) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Undefined where it would be in a directory that is another user's, or that all may write: `sudo` leaves HOME as it is, some have /tmp there.
 * A home that is not there is not made: /nonexistent says of a user that there is to be none.
 */
function cacheDirectory(): string | undefined {
  const { XDG_CACHE_HOME, HOME } = process.env;
  if (XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME))
    return isOwn(XDG_CACHE_HOME) ? join(XDG_CACHE_HOME, 'millrace') : undefined;
  const home = HOME ?? homedir();
  const caches = join(home, '.cache');
  if (!isAbsolute(home) || !existsSync(home)) return undefined;
  return isOwn(home) && isOwn(caches) ? join(caches, 'millrace') : undefined;
}

/** Of a directory that is not there: the one that it would be made in. */
function isOwn(directory: string): boolean {
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status === undefined) return directory !== '/' && isOwn(dirname(directory));
  return status.uid === process.geteuid?.() && (status.mode & WRITABLE_BY_ALL) === 0;
}

function isPrivate(fd: number, kind: 'isFile' | 'isDirectory'): boolean {
  const status = fstatSync(fd);
  return status[kind]() && status.uid === process.geteuid?.() && (status.mode & OTHERS) === 0;
}

/** Room for one more, and what a process has left that died while it wrote. */
function removeOld(directory: string, name: string): void {
  const aged = readdirSync(directory)
    .filter((each) => each.startsWith(PREFIX))
    // A clock that was set back leaves files of a time to come, which are not new.
    .map((each) => ({ each, age: Math.abs(Date.now() - statSync(join(directory, each)).mtimeMs) }))
    .sort((a, b) => a.age - b.age);
  const finished = aged.filter(({ each }) => !each.endsWith(UNFINISHED) && each !== name);
  const abandoned = aged.filter(({ each, age }) => each.endsWith(UNFINISHED) && age > ABANDONED_MS);
  for (const { each } of [...finished.slice(MOST_FILES - 1), ...abandoned]) unlinkSync(join(directory, each));
}
