import { readFileSync } from 'node:fs';
import {
  livenessOf,
  livenessOfPid,
  MappedMemory,
  SystemCallError,
  type SystemVPath,
  type TrustedUsers,
} from '@millrace/native';
import { checkFreeMemory } from '@millrace/native/internal';
import { check, EEXIST, EIDRM, EINVAL, ENOENT, ENOMEM, ENOSPC, syscalls } from '@millrace/native/syscalls';
import { checkOwner, noMemory, SharedMemoryError } from '../errors.js';
import { isPublished, publish, readCreator, readHeader, writeCreator } from './header.js';
import { HEADER_BYTES, MAGIC_OFFSET, MAKING_MODE } from './layout.js';
import { labelOf, type SegmentKey, systemVKey } from './name.js';
import type { SegmentInfo, SegmentStore, StoredMemory } from './store.js';

const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
/** How often a process that waits for a creator checks that it lives, in milliseconds. */
const LOOK_MS = 10;
const ALL_WAITERS = 2 ** 31 - 1;

interface Status {
  readonly bytes: number;
  readonly mode: number;
  readonly creator: number;
}

/** System V shared memory: found by its key from the first moment, so its making is marked in what the kernel keeps. */
export const systemVStore: SegmentStore<SegmentKey | SystemVPath> = {
  create(name, bytes, permissions, fill) {
    const label = labelOf(name);
    checkFreeMemory(label, bytes);
    const key = systemVKey(name);
    const id = syscalls.shmGet(key, bytes, IPC_CREAT | IPC_EXCL | 0o600 | MAKING_MODE);
    if (id === -EEXIST) return undefined;
    if (id === -ENOSPC || id === -ENOMEM) throw noMemory('shmget', -id, label, bytes);
    check(id, 'shmget', `${label}, ${bytes} bytes`);
    let memory: MappedMemory | undefined;
    try {
      memory = new MappedMemory(id, bytes, 'System V segment');
      writeCreator(memory.buffer);
      const populated = syscalls.populate(new Uint8Array(memory.buffer), 0, bytes);
      // Before Linux 5.14 the pages are taken one by one, as they are written.
      if (populated === -EINVAL) new Uint8Array(memory.buffer, HEADER_BYTES).fill(0);
      else if (populated < 0) throw noMemory('madvise', -populated, label, bytes);
      fill(memory);
      publish(memory.buffer);
      finish(id, memory, permissions);
      return { memory, id };
    } catch (error) {
      memory?.close();
      syscalls.shmRemove(id);
      throw error;
    }
  },

  open(name, deadline, trusted) {
    const key = systemVKey(name);
    for (;;) {
      const id = syscalls.shmGet(key, 0, 0);
      if (id === -ENOENT) return undefined;
      check(id, 'shmget', labelOf(name));
      // Attaching alone reads nothing of it, and what is not trusted is not attached.
      if (!checkOwners(id, labelOf(name), trusted)) continue;
      const found = attach(id);
      if (found === undefined) continue;
      if (look(found, labelOf(name), deadline)) return { memory: found.memory, id };
      found.memory.close();
      remove(id);
    }
  },

  unlink(name, id) {
    if (id !== undefined) return remove(id);
    const found = syscalls.shmGet(systemVKey(name), 0, 0);
    if (found === -ENOENT) return false;
    return remove(check(found, 'shmget', labelOf(name)));
  },

  list() {
    const [, ...lines] = readFileSync('/proc/sysvipc/shm', 'utf8').trim().split('\n');
    return lines.flatMap((line) => {
      const [key, id] = line.trim().split(/\s+/).map(Number) as [number, number];
      return infoOf(key >>> 0, id) ?? [];
    });
  },
};

interface Attached extends StoredMemory {
  readonly status: Status;
}

/** Whether what is attached can be used; false when its creator has died over it. Waits for one that lives. */
function look(found: Attached, label: string, deadline: number): boolean {
  const { memory, id, status } = found;
  for (;;) {
    if (memory.length >= HEADER_BYTES && isPublished(memory.buffer)) {
      const header = readHeader(memory.buffer, memory.length);
      if (status.mode & MAKING_MODE && header && !creatorLives(found)) finish(id, memory, header.permissions);
      return true;
    }
    if ((status.mode & MAKING_MODE) !== MAKING_MODE || memory.length < HEADER_BYTES) {
      memory.close();
      throw new SharedMemoryError(
        'ERR_MILLRACE_SEGMENT_FOREIGN',
        `The segment of ${label} (identifier ${id}) was made by another program.`,
      );
    }
    if (!creatorLives(found)) return false;
    const left = deadline - performance.now();
    if (left <= 0) {
      memory.close();
      throw new SharedMemoryError(
        'ERR_MILLRACE_SEGMENT_UNFINISHED',
        `The segment of ${label} is still being made by process ${status.creator}, which lives. Wait longer, or end it.`,
      );
    }
    syscalls.futexWait(
      new Int32Array(memory.buffer, MAGIC_OFFSET, 1),
      0,
      0,
      Math.ceil(Math.min(left, LOOK_MS)),
    );
  }
}

function creatorLives({ memory, status }: Attached): boolean {
  const creator = readCreator(memory.buffer);
  return (creator === undefined ? livenessOfPid(status.creator) : livenessOf(creator)) !== 'dead';
}

/** Gives a published segment its permissions, and wakes those that wait for it. */
function finish(id: number, { buffer }: MappedMemory, permissions: number): void {
  const result = syscalls.shmSetMode(id, permissions);
  // Already removed by another process: those that have it attached go on.
  if (result !== -EIDRM && result !== -EINVAL) check(result, 'shmctl', `identifier ${id}`);
  syscalls.futexWake(new Int32Array(buffer, MAGIC_OFFSET, 1), 0, ALL_WAITERS);
}

function statusOf(id: number): Status | undefined {
  const out = new Float64Array(8);
  const result = syscalls.shmStat(id, out);
  if (result === -EIDRM || result === -EINVAL) return undefined;
  check(result, 'shmctl', `identifier ${id}`);
  const [bytes, mode, creator] = out as unknown as [number, number, number];
  return { bytes, mode, creator };
}

/** False when it has gone meanwhile. The creator may name any owner, and keeps its rights: both have to be trusted. */
function checkOwners(id: number, label: string, trusted: TrustedUsers | undefined): boolean {
  const owners = new Float64Array(2);
  const result = syscalls.shmOwners(id, owners);
  if (result === -EIDRM || result === -EINVAL) return false;
  check(result, 'shmctl', label);
  for (const user of owners) checkOwner(label, user, trusted);
  return true;
}

/** Undefined when it has gone meanwhile. */
function attach(id: number): Attached | undefined {
  const status = statusOf(id);
  if (status === undefined) return undefined;
  try {
    return { memory: new MappedMemory(id, status.bytes, 'System V segment'), id, status };
  } catch (error) {
    if (error instanceof SystemCallError && (error.errno === EIDRM || error.errno === EINVAL))
      return undefined;
    throw error;
  }
}

function remove(id: number): boolean {
  const result = syscalls.shmRemove(id);
  if (result === -EIDRM || result === -EINVAL) return false;
  check(result, 'shmctl', `identifier ${id}`);
  return true;
}

/** Undefined for what is no segment, what has gone meanwhile, and what may not be read. */
function infoOf(key: number, id: number): SegmentInfo | undefined {
  let found: Attached | undefined;
  try {
    found = attach(id);
  } catch {
    return undefined;
  }
  if (found === undefined) return undefined;
  const header = readHeader(found.memory.buffer, found.memory.length);
  found.memory.close();
  return header && { ...header, name: { key }, creator: found.status.creator };
}
