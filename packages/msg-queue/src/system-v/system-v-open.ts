import { existsSync, readFileSync } from 'node:fs';
import { checkOptions, optionNames } from '@millrace/channel';
import { SystemCallError, type TrustedUsers } from '@millrace/native';
import type { SystemVKey } from '@millrace/native/internal';
import {
  EACCES,
  EEXIST,
  EIDRM,
  EINVAL,
  ENOENT,
  ENOSPC,
  EPERM,
  IPC_CREAT,
  IPC_EXCL,
  IPC_PRIVATE,
  syscalls,
} from '@millrace/native/syscalls';
import { checkOwner, deniedError, failedCall, QueueError, removedError } from '../errors.js';
import type { Opening } from '../posix/posix-open.js';
import { explain, type SystemVLimits } from '../queue/limits.js';
import type { QueueOpenOptions } from '../queue/message-queue.js';
import { ftok } from './ftok.js';

export interface SystemVQueueOptions extends QueueOpenOptions {
  /** Bytes that a queue that is made holds. Default kernel.msgmnb (16,384); more needs CAP_SYS_RESOURCE. */
  readonly capacity?: number;
}

export const SYSTEM_V_OPTIONS = optionNames<SystemVQueueOptions>({
  mode: true,
  poller: true,
  trustedUsers: true,
  capacity: true,
});

const DEFAULT_MODE = 0o600;
/** Every System V queue, a line each: key, id, permissions, bytes, messages, last sender and receiver, uid, gid, cuid … */
const LIST = '/proc/sysvipc/msg';
const LISTED_ID = 1;
const LISTED_OWNER = 7;
const LISTED_CREATOR = 9;

/** The key as a signed 32-bit integer. Throws for what is none. */
export function toKey(key: SystemVKey): number {
  const number = typeof key === 'number' ? key : ftok(key.path, key.project ?? 1);
  if (Number.isInteger(number) && number >= -(2 ** 31) && number < 2 ** 32 && number !== IPC_PRIVATE)
    return number | 0;
  throw new QueueError(
    'ERR_MILLRACE_QUEUE_ARGUMENT',
    `The key of a System V queue must be a 32-bit integer other than 0, not ${number}; createPrivate needs no key.`,
  );
}

/** A key as `ipcs` shows it. */
export function keyName(key: number): string {
  return `0x${(key >>> 0).toString(16).padStart(8, '0')}`;
}

/** Opens a queue and returns its identifier. Throws {@link QueueError}. */
export function openSystemV(
  key: number,
  opening: Opening,
  options: SystemVQueueOptions,
  limits: SystemVLimits,
): number {
  checkOptions(options, SYSTEM_V_OPTIONS, 'A System V queue');
  const { mode = DEFAULT_MODE, capacity, trustedUsers } = options;
  // The kernel takes an int, and cuts off what is more.
  if (capacity !== undefined && !(Number.isInteger(capacity) && capacity > 0 && capacity < 2 ** 31)) {
    throw new QueueError(
      'ERR_MILLRACE_QUEUE_ARGUMENT',
      `capacity must be an integer from 1 to 2^31 - 1, not ${capacity}.`,
    );
  }
  if (opening !== 'create') {
    const id = syscalls.msgGet(key, 0);
    if (id >= 0) {
      checkOwners(id, `The System V queue ${keyName(key)}`, trustedUsers);
      return id;
    }
    if (id !== -ENOENT || opening === 'open') throw openError(key, -id, limits);
  }
  const id = syscalls.msgGet(key, IPC_CREAT | IPC_EXCL | mode);
  // Another process has made it in between.
  if (id === -EEXIST && opening === 'openOrCreate')
    return openSystemV(key, 'open', { mode, ...(trustedUsers && { trustedUsers }) }, limits);
  if (id < 0) throw openError(key, -id, limits);
  if (capacity !== undefined) setCapacity(key, id, capacity, limits);
  return id;
}

/**
 * Refuses a queue of users who are not trusted. Its owner says little: its creator may name any user as owner, and keeps the
 * rights to it.
 */
export function checkOwners(id: number, queue: string, trusted: TrustedUsers | undefined): void {
  const owners = new Float64Array(2);
  const failed = syscalls.msgOwners(id, owners);
  if (failed === -EINVAL || failed === -EIDRM) throw removedError(queue, 'msgctl', -failed);
  const users = failed === -EACCES ? listedOwners(id) : [...owners];
  if (failed < 0 && users === undefined) throw deniedError(queue, 'msgctl', -failed);
  for (const user of users ?? []) checkOwner(queue, user, trusted);
}

/** Owner and creator of a queue that this user may only write to, which the kernel shows to all users in a list. */
function listedOwners(id: number): number[] | undefined {
  if (!existsSync(LIST)) return undefined;
  const lines = readFileSync(LIST, 'utf8').split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/)).find((of) => of[LISTED_ID] === String(id));
  return fields && [Number(fields[LISTED_OWNER]), Number(fields[LISTED_CREATOR])];
}

function setCapacity(key: number, id: number, capacity: number, limits: SystemVLimits): void {
  const failed = syscalls.msgSetCapacity(id, capacity);
  if (failed >= 0) return;
  syscalls.msgRemove(id);
  if (failed !== -EPERM && failed !== -EINVAL) throw new SystemCallError('msgctl', -failed, keyName(key));
  const message =
    `The System V queue ${keyName(key)} cannot be made for ${capacity} bytes without CAP_SYS_RESOURCE. ` +
    `${explain(limits.capacity)}.`;
  throw failedCall('ERR_MILLRACE_QUEUE_LIMIT', message, 'msgctl', -failed, limits.capacity);
}

function openError(key: number, errno: number, limits: SystemVLimits): Error {
  const call = 'msgget';
  const queue = `System V queue ${keyName(key)}`;
  switch (errno) {
    case ENOENT:
      return failedCall(
        'ERR_MILLRACE_QUEUE_NOT_FOUND',
        `There is no ${queue}; create it first, or use openOrCreate.`,
        call,
        errno,
      );
    case EEXIST:
      return failedCall('ERR_MILLRACE_QUEUE_EXISTS', `The ${queue} exists already.`, call, errno);
    case EACCES:
      return failedCall(
        'ERR_MILLRACE_QUEUE_ACCESS',
        `The permissions of the ${queue} do not let this user open it.`,
        call,
        errno,
      );
    case ENOSPC: {
      const message =
        `There are as many System V queues as may be: SystemVQueue.list() and ipcs -q show them, ` +
        `SystemVQueue.free(key) and ipcrm -q <id> remove what a program has left behind. ${explain(limits.queues)}.`;
      return failedCall('ERR_MILLRACE_QUEUE_LIMIT', message, call, errno, limits.queues);
    }
    default:
      return new SystemCallError(call, errno, queue);
  }
}
