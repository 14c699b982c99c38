/**
 * The API of the npm package shm-typed-array 0.1.1, call for call, with its layout: programs that use the one and the
 * other share memory.
 *
 *   POSIX:    ┌ SIZE, 8 bytes ┬ SIZE bytes of elements ┐       System V:  ┌ elements ┐
 *
 * Notes. Where it is better: it loads in worker threads, each with segments of its own; a view of memory that was
 * detached has length 0 and does not crash; pages are taken when memory is created; a second `detach` of a key that was
 * got twice detaches the second. Where it differs: `byteOffset` of a POSIX view is 8; memory is detached by the calls that
 * say so and at the end of the thread, never when a view is collected.
 */
import { constants as bufferConstants } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { MappedMemory, SystemCallError } from '@millrace/native';
import { check, EEXIST, EIDRM, EINVAL, ENOENT, syscalls } from '@millrace/native/syscalls';
import {
  BufferType,
  type Shm,
  type ShmMap,
  type ShmType,
  type View,
  views,
} from './shm-typed-array-views.js';

/** Most elements of one memory. */
export const LengthMax: number = bufferConstants.MAX_LENGTH;

export type { Shm, ShmMap, ShmType };
export { BufferType };

const KEY_MIN = 1;
const KEY_MAX = 2 ** 32 - 2;
const DEFAULT_PERMISSIONS = '660';
const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
/** Of SIZE. */
const PREFIX_BYTES = 8;

/** Memory that this thread has, or has had, attached. */
interface Attachment {
  /** One for each call that has given a view of it and was not detached, the oldest first: a view has its own. */
  readonly memories: MappedMemory[];
  /** The first of them was detached: who destroys it now has done with its own view, and the others have not. */
  firstGone: boolean;
  /** What this thread has made of it and not destroyed. */
  createdBytes: number;
}

/** By the identifier of System V memory, and by the name of POSIX memory. */
const attachments = new Map<number | string, Attachment>();
let createdBytes = 0;
/** Tells destroyed memories of one name apart. */
let destroyedNames = 0;

/** Makes memory; null when the key is taken. `key`: a System V key, a POSIX name, or null for any key. */
export function create<K extends ShmType = 'Buffer'>(
  count: number,
  typeKey?: K,
  key?: number | string | null,
  perm?: string,
): ShmMap[K] | null {
  if (typeof key === 'string') return createPosix(key, count, typeKey, perm);
  const view = viewOf(typeKey);
  if (key !== undefined && key !== null) checkKey(key);
  checkCount(count);
  const bytes = count * view.bytes;
  const flags = IPC_CREAT | IPC_EXCL | permissions(perm);
  for (;;) {
    const tried = key ?? KEY_MIN + Math.floor(Math.random() * KEY_MAX);
    const id = syscalls.shmGet(tried, bytes, flags);
    if (id === -EEXIST || id === -EIDRM) {
      if (key === undefined || key === null) continue;
      return null;
    }
    if (id === -EINVAL) throw new RangeError(`${bytes} bytes are too few or too many for System V memory.`);
    check(id, 'shmget', `key ${tried}`);
    return systemVView(id, bytes, tried, view, true) as ShmMap[K];
  }
}

/** Makes POSIX memory; null when the name is taken. */
export function createPosix<K extends ShmType = 'Buffer'>(
  name: string,
  count: number,
  typeKey?: K,
  perm?: string,
): ShmMap[K] | null {
  const view = viewOf(typeKey);
  checkCount(count);
  const size = count * view.bytes;
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;
  const fd = unless('EEXIST', () => openSync(pathOf(name), flags, permissions(perm)));
  if (fd === undefined) return null;
  try {
    check(syscalls.reserve(fd, size + PREFIX_BYTES), 'fallocate', `${name}, ${size} bytes`);
    const memory = new MappedMemory(fd, size + PREFIX_BYTES);
    new BigUint64Array(memory.buffer, 0, 1)[0] = BigInt(size);
    // Of memory that had the name before, and that another process has destroyed: its views stay.
    forget(name, attachments.get(name));
    attach(name, memory).createdBytes = memory.length;
    createdBytes += memory.length;
    return view.over(memory.buffer, PREFIX_BYTES, count) as ShmMap[K];
  } catch (error) {
    unlinkSync(pathOf(name));
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Attaches memory that is there; null when it is not. */
export function get<K extends ShmType = 'Buffer'>(key: number | string, typeKey?: K): ShmMap[K] | null {
  if (typeof key === 'string') return getPosix(key, typeKey);
  const view = viewOf(typeKey);
  checkKey(key);
  const id = syscalls.shmGet(key, 0, 0);
  if (id === -ENOENT || id === -EIDRM) return null;
  check(id, 'shmget', `key ${key}`);
  const status = statusOf(id);
  return status && (systemVView(id, status.bytes, key, view, false) as ShmMap[K]);
}

/** Attaches POSIX memory that is there; null when it is not. */
export function getPosix<K extends ShmType = 'Buffer'>(name: string, typeKey?: K): ShmMap[K] | null {
  const view = viewOf(typeKey);
  const fd = unless('ENOENT', () => openSync(pathOf(name), constants.O_RDWR));
  if (fd === undefined) return null;
  try {
    const { size: length } = fstatSync(fd);
    if (length < PREFIX_BYTES)
      throw new RangeError(`${name} has ${length} bytes: shm-typed-array has not made it.`);
    const memory = new MappedMemory(fd, length);
    const size = Number(new BigUint64Array(memory.buffer, 0, 1)[0]);
    if (size + PREFIX_BYTES > memory.length) {
      memory.close();
      throw new RangeError(
        `${name} says that it has ${size} bytes, and has ${memory.length - PREFIX_BYTES}.`,
      );
    }
    attach(name, memory);
    return view.over(memory.buffer, PREFIX_BYTES, Math.floor(size / view.bytes)) as ShmMap[K];
  } finally {
    closeSync(fd);
  }
}

/**
 * Detaches memory. System V: destroys it when no other process has it attached, or by force; 0 when it was destroyed, or
 * how many have it attached still. POSIX: as `detachPosix`. -1 when there is none.
 */
export function detach(key: number | string, forceDestroy = false): number {
  if (typeof key === 'string') return detachPosix(key, forceDestroy);
  const id = syscalls.shmGet(key, 0, 0);
  if (id === -ENOENT || id === -EIDRM) return -1;
  check(id, 'shmget', `key ${key}`);
  if (!attachments.has(id) && !forceDestroy) return -1;
  return detachSystemV(id, forceDestroy);
}

/** Detaches POSIX memory: 0 when it was destroyed (by force only), 1 when it was detached, -1 when there is none. */
export function detachPosix(name: string, forceDestroy = false): number {
  const found = attachments.get(name);
  if (found === undefined && !forceDestroy) return -1;
  if (!forceDestroy || !found?.firstGone) release(found);
  if (!forceDestroy) return 1;
  if (unless('ENOENT', () => unlinkSync(pathOf(name)) ?? true) === undefined) return -1;
  forget(name, found);
  return 0;
}

/** Destroys memory; whether it was there. */
export function destroy(key: number | string): boolean {
  return detach(key, true) === 0;
}

/** Detaches all that this thread has; returns how many System V segments were destroyed by that. */
export function detachAll(): number {
  let destroyed = 0;
  for (const key of [...attachments.keys()]) {
    const found = attachments.get(key) as Attachment;
    // Of the last one the system says whether another process has it still.
    while (found.memories.length > 1) release(found);
    if (typeof key === 'string') detachPosix(key);
    else if (detachSystemV(key, false) === 0) destroyed++;
  }
  return destroyed;
}

/** Bytes of all memory that this thread has attached. */
export function getTotalSize(): number {
  let total = 0;
  for (const { memories } of attachments.values()) for (const { length } of memories) total += length;
  return total;
}

/** Bytes of all memory that this thread has made and not destroyed. */
export function getTotalCreatedSize(): number {
  return createdBytes;
}

process.on('exit', () => {
  const destroyed = detachAll();
  if (destroyed > 0) console.info('shm segments destroyed:', destroyed);
});

function systemVView(id: number, bytes: number, key: number, view: View, created: boolean): object {
  const memory = new MappedMemory(id, bytes, 'System V segment');
  const attachment = attach(id, memory);
  if (created) {
    attachment.createdBytes = bytes;
    createdBytes += bytes;
  }
  return Object.assign(view.over(memory.buffer, 0, Math.floor(bytes / view.bytes)), { key });
}

function detachSystemV(id: number, force: boolean): number {
  const found = attachments.get(id);
  if (!force || !found?.firstGone) release(found);
  const status = statusOf(id);
  if (status !== null && !force && status.attached > 0) return status.attached;
  const removed = status === null ? -EINVAL : syscalls.shmRemove(id);
  forget(id, found);
  if (removed === -EINVAL || removed === -EIDRM) return -1;
  return check(removed, 'shmctl', `identifier ${id}`);
}

function attach(key: number | string, memory: MappedMemory): Attachment {
  const attachment = attachments.get(key) ?? { memories: [], firstGone: false, createdBytes: 0 };
  attachments.set(key, attachment);
  attachment.memories.push(memory);
  return attachment;
}

/** Detaches the oldest that is attached. */
function release(found: Attachment | undefined): void {
  if (found === undefined) return;
  found.memories.shift()?.close();
  found.firstGone = true;
}

/** It has been destroyed; views of it that are attached stay. */
function forget(key: number | string, found: Attachment | undefined): void {
  if (found === undefined) return;
  if (found.memories.length === 0) attachments.delete(key);
  else if (typeof key === 'string') {
    // The name is the next memory's; what is attached still goes with `detachAll`.
    attachments.delete(key);
    attachments.set(`${key}\0${destroyedNames++}`, found);
  }
  createdBytes -= found.createdBytes;
  found.createdBytes = 0;
}

/** Null when it has gone. */
function statusOf(id: number): { readonly bytes: number; readonly attached: number } | null {
  const out = new Float64Array(8);
  const result = syscalls.shmStat(id, out);
  if (result === -EIDRM || result === -EINVAL) return null;
  check(result, 'shmctl', `identifier ${id}`);
  return { bytes: out[0] as number, attached: out[4] as number };
}

function viewOf(typeKey: ShmType = 'Buffer'): View {
  if (!Object.hasOwn(views, typeKey)) throw new Error(`Unknown type key ${typeKey}`);
  return views[typeKey];
}

function checkKey(key: number): void {
  if (Number.isSafeInteger(key) && key >= KEY_MIN && key <= KEY_MAX) return;
  throw new RangeError(`Shm key should be ${KEY_MIN} .. ${KEY_MAX}`);
}

function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 1 && count <= LengthMax) return;
  throw new RangeError(`Count should be 1 .. ${LengthMax}`);
}

function permissions(perm: string | undefined): number {
  const parsed = Number.parseInt(perm ?? DEFAULT_PERMISSIONS, 8);
  return Number.isNaN(parsed) ? Number.parseInt(DEFAULT_PERMISSIONS, 8) : parsed;
}

/** As shm_open(3) finds it. */
function pathOf(name: string): string {
  if (typeof name !== 'string') throw new TypeError('Argument name must be a string');
  const file = name.replace(/^\/+/, '');
  if (file === '' || file.includes('/') || file.includes('\0'))
    throw new SystemCallError('shm_open', EINVAL, name);
  return `/dev/shm/${file}`;
}

/** What `action` returns, or undefined when it fails with this code. */
function unless<T>(code: string, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  }
}
