import { fstatSync } from 'node:fs';
import { checkOptions, optionNames } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import {
  EACCES,
  EEXIST,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  syscalls,
} from '@millrace/native/syscalls';
import { checkOwner, failedCall, QueueError } from '../errors.js';
import { explain, type PosixLimits } from '../queue/limits.js';
import type { QueueOpenOptions } from '../queue/message-queue.js';

export interface PosixQueueOptions extends QueueOpenOptions {
  /** Messages that a queue that is made holds. Default: fs.mqueue.msg_default, at most fs.mqueue.msg_max (10). */
  readonly maxMessages?: number;
  /** Bytes of its largest message. Default: fs.mqueue.msgsize_default, at most fs.mqueue.msgsize_max (8,192). */
  readonly messageSize?: number;
  /** What the queue is opened for. Default `'both'`. */
  readonly access?: 'both' | 'receive' | 'send';
}

export const POSIX_OPTIONS = optionNames<PosixQueueOptions>({
  mode: true,
  poller: true,
  trustedUsers: true,
  maxMessages: true,
  messageSize: true,
  access: true,
});

/** What shall be the case when a queue is opened: it exists, it does not, or either. */
export type Opening = 'open' | 'create' | 'openOrCreate';

const ACCESS = { both: O_RDWR, receive: O_RDONLY, send: O_WRONLY };
const DEFAULT_MODE = 0o600;
/** What Linux makes a queue with when it is not told: for the case that only one of two numbers is. */
const DEFAULT_MAX_MESSAGES = 10;
const DEFAULT_MESSAGE_SIZE = 8_192;
const MAX_NAME_BYTES = 255;
const LEFT_BEHIND =
  'Queues that programs have left behind count: PosixQueue.list() names them, PosixQueue.unlink(name) removes them.';

/** The name as the kernel takes it. Throws for what POSIX and Linux know as no name of a queue. */
export function kernelName(name: string): string {
  const bytes = Buffer.byteLength(name) - 1;
  if (!/^\/[^/\0]+$/.test(name) || name === '/.' || name === '/..' || bytes > MAX_NAME_BYTES) {
    throw new QueueError(
      'ERR_MILLRACE_QUEUE_ARGUMENT',
      `The name of a POSIX queue must be a slash and 1 to ${MAX_NAME_BYTES} bytes without one, not ${JSON.stringify(name)}.`,
    );
  }
  return name.slice(1);
}

/** Opens a queue and returns its descriptor. Throws {@link QueueError}. */
export function openPosix(
  name: string,
  opening: Opening,
  options: PosixQueueOptions,
  limits: PosixLimits,
): number {
  checkOptions(options, POSIX_OPTIONS, 'A POSIX queue');
  const flags =
    (opening === 'open' ? 0 : O_CREAT) |
    (opening === 'create' ? O_EXCL : 0) |
    ACCESS[options.access ?? 'both'];
  let { maxMessages, messageSize } = options;
  for (const [option, value] of Object.entries({ maxMessages, messageSize })) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0 && value < 2 ** 31)) {
      throw new QueueError(
        'ERR_MILLRACE_QUEUE_ARGUMENT',
        `${option} must be a positive integer, not ${value}.`,
      );
    }
  }
  if (maxMessages !== undefined || messageSize !== undefined) {
    maxMessages ??= Math.min(DEFAULT_MAX_MESSAGES, limits.maxMessages.value ?? DEFAULT_MAX_MESSAGES);
    messageSize ??= Math.min(DEFAULT_MESSAGE_SIZE, limits.messageSize.value ?? DEFAULT_MESSAGE_SIZE);
  }
  const mode = options.mode ?? DEFAULT_MODE;
  const fd = syscalls.mqOpen(kernelName(name), flags | O_NONBLOCK, mode, maxMessages ?? 0, messageSize ?? 0);
  if (fd < 0) throw openError(name, -fd, { maxMessages, messageSize }, limits);
  try {
    checkOwner(`The POSIX queue ${name}`, fstatSync(fd).uid, options.trustedUsers);
    return fd;
  } catch (error) {
    syscalls.close(fd);
    throw error;
  }
}

interface Wanted {
  readonly maxMessages: number | undefined;
  readonly messageSize: number | undefined;
}

function openError(name: string, errno: number, wanted: Wanted, limits: PosixLimits): Error {
  const call = 'mq_open';
  switch (errno) {
    case ENOENT:
      return failedCall(
        'ERR_MILLRACE_QUEUE_NOT_FOUND',
        `There is no POSIX queue ${name}; create it first, or use openOrCreate.`,
        call,
        errno,
      );
    case EEXIST:
      return failedCall('ERR_MILLRACE_QUEUE_EXISTS', `The POSIX queue ${name} exists already.`, call, errno);
    case EACCES:
      return failedCall(
        'ERR_MILLRACE_QUEUE_ACCESS',
        `The permissions of the POSIX queue ${name} do not let this user open it as asked.`,
        call,
        errno,
      );
    case ENAMETOOLONG:
      return failedCall('ERR_MILLRACE_QUEUE_ARGUMENT', `The name ${name} is too long.`, call, errno);
    case EINVAL:
      return sizeError(name, errno, wanted, limits);
    case EMFILE: {
      const message =
        `The POSIX queue ${name} would take this user's queues beyond their bytes (or this process beyond its ` +
        `descriptors). ${LEFT_BEHIND} ${explain(limits.bytes)}.`;
      return failedCall('ERR_MILLRACE_QUEUE_LIMIT', message, call, errno, limits.bytes);
    }
    case ENOSPC: {
      const message = `There are as many POSIX queues as may be. ${LEFT_BEHIND} ${explain(limits.queues)}.`;
      return failedCall('ERR_MILLRACE_QUEUE_LIMIT', message, call, errno, limits.queues);
    }
    default:
      return new SystemCallError(call, errno, name);
  }
}

function sizeError(
  name: string,
  errno: number,
  { maxMessages, messageSize }: Wanted,
  limits: PosixLimits,
): Error {
  const tooMany = (maxMessages ?? 0) > (limits.maxMessages.value ?? Number.POSITIVE_INFINITY);
  const limit = tooMany ? limits.maxMessages : limits.messageSize;
  const asked = tooMany ? `${maxMessages} messages` : `messages of ${messageSize} bytes`;
  const message = `The POSIX queue ${name} cannot be made for ${asked}. ${explain(limit)}.`;
  return failedCall('ERR_MILLRACE_QUEUE_LIMIT', message, 'mq_open', errno, limit);
}
