import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { MappedMemory, SystemCallError, type TrustedUsers } from '@millrace/native';
import { checkFreeMemory } from '@millrace/native/internal';
import { EEXIST, syscalls } from '@millrace/native/syscalls';
import { checkOwner, noMemory, SharedMemoryError } from '../errors.js';
import { publish, readCreator, readHeader } from './header.js';
import { HEADER_BYTES } from './layout.js';
import { posixName } from './name.js';
import type { SegmentInfo, SegmentStore, StoredMemory } from './store.js';

/** Where Linux keeps POSIX shared memory: shm_open(3) of glibc and of musl opens files here. */
const DIRECTORY = '/dev/shm';
/** A file without a name, which is gone with its last descriptor. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** POSIX shared memory: a file that gets its name when all of it is written, so that half of it is never found. */
export const posixStore: SegmentStore<string> = {
  create(name, bytes, permissions, fill) {
    const path = pathOf(name);
    checkFreeMemory(name, bytes);
    const fd = openSync(DIRECTORY, O_TMPFILE | constants.O_RDWR, 0o600);
    let memory: MappedMemory | undefined;
    try {
      const reserved = syscalls.reserve(fd, bytes);
      if (reserved < 0) throw noMemory('fallocate', -reserved, name, bytes);
      memory = new MappedMemory(fd, bytes);
      fill(memory);
      publish(memory.buffer);
      fchmodSync(fd, permissions);
      const linked = syscalls.linkDescriptor(fd, path);
      if (linked === 0) return { memory, id: fstatSync(fd).ino };
      memory.close();
      if (linked === -EEXIST) return undefined;
      throw new SystemCallError('linkat', -linked, path);
    } catch (error) {
      memory?.close();
      throw error;
    } finally {
      closeSync(fd);
    }
  },

  open(name, _deadline, trusted) {
    const path = pathOf(name);
    // Without O_NONBLOCK a FIFO of another user would be waited for.
    const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = unlessMissing(() => unlessDenied(() => openSync(path, flags), name, path, trusted));
    return fd === undefined ? undefined : mapFile(fd, name, trusted);
  },

  unlink(name, id) {
    const path = pathOf(name);
    if (id !== undefined && unlessMissing(() => statSync(path).ino) !== id) return false;
    return unlessMissing(() => unlinkSync(path)) !== undefined;
  },

  list() {
    return readdirSync(DIRECTORY).flatMap((file) => infoOf(`/${file}`) ?? []);
  },
};

function pathOf(name: string): string {
  return `${DIRECTORY}/${posixName(name)}`;
}

function mapFile(fd: number, name: string, trusted: TrustedUsers | undefined): StoredMemory {
  try {
    const status = fstatSync(fd);
    checkOwner(name, status.uid, trusted);
    if (!status.isFile() || status.size < HEADER_BYTES) {
      throw new SharedMemoryError(
        'ERR_MILLRACE_SEGMENT_FOREIGN',
        `${name} is ${status.size} bytes that no segment begins with: another program made it.`,
      );
    }
    return { memory: new MappedMemory(fd, status.size), id: status.ino };
  } finally {
    closeSync(fd);
  }
}

/** Undefined for what is no segment, what has gone meanwhile, and what may not be read. */
function infoOf(name: string): SegmentInfo | undefined {
  let fd: number;
  try {
    fd = openSync(pathOf(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const status = fstatSync(fd);
    const bytes = new Uint8Array(HEADER_BYTES);
    if (!status.isFile() || readSync(fd, bytes, 0, HEADER_BYTES, 0) < HEADER_BYTES) return undefined;
    const header = readHeader(bytes.buffer, status.size);
    return header && { ...header, name, creator: readCreator(bytes.buffer)?.pid ?? 0 };
  } finally {
    closeSync(fd);
  }
}

/** What `action` returns; where this user may not, an error that says whose it is. */
function unlessDenied<T>(action: () => T, name: string, path: string, trusted: TrustedUsers | undefined): T {
  try {
    return action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') checkOwner(name, lstatSync(path).uid, trusted);
    throw error;
  }
}

/** What `action` returns (true for nothing), or undefined when there is no such file. */
function unlessMissing<T>(action: () => T): (T extends undefined ? true : T) | undefined {
  try {
    return (action() ?? true) as T extends undefined ? true : T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
