import { createHash } from 'node:crypto';
import { PosixQueue, QueueError, SystemVQueue } from '@millrace/msg-queue';
import type { TrustedUsers } from '@millrace/native';
import {
  AF_UNIX,
  check,
  EADDRINUSE,
  encodeUnixAddress,
  SOCK_DGRAM,
  syscalls,
} from '@millrace/native/syscalls';
import { TaskError } from '../errors.js';
import { INLINE_LIMIT } from '../wire/task-layout.js';

/** Characters of a queue's name that the name of a socket has room for. */
const MAX_TITLE = 80;

/** Which queue of the system: a POSIX one by its name (`'/tasks'`), a System V one by its key. */
export interface QueueAddress {
  readonly name?: string;
  readonly key?: number;
  /** Users, besides root and this process's, whose queue it may be. Default: none. */
  readonly trustedUsers?: TrustedUsers;
}

/** What tasks need of a POSIX or System V queue. */
export interface Queue {
  /** Bytes of its largest message. */
  readonly messageSize: number;
  trySend(bytes: Uint8Array): 'sent' | 'full';
  send(bytes: Uint8Array): Promise<void>;
  tryReceive(): Buffer | undefined;
  receive(signal: AbortSignal): Promise<Buffer>;
  stat(): { readonly messages: number; readonly bytes: number };
  close(): void;
}

/** Opens or creates the queue of an address. Throws `QueueError` of @millrace/msg-queue. */
export function openQueue({ name, key, trustedUsers }: QueueAddress): Queue {
  const trust = trustedUsers && { trustedUsers };
  const queue =
    name === undefined
      ? SystemVQueue.openOrCreate(key as number, { ...trust })
      : PosixQueue.openOrCreate(name, { messageSize: INLINE_LIMIT, ...trust });
  return {
    messageSize: queue.messageSize,
    trySend: (bytes) => queue.trySend(bytes),
    send: (bytes) => queue.send(bytes),
    tryReceive: () => {
      const message = queue.tryReceive();
      return message === 'empty' ? undefined : message.data;
    },
    receive: async (signal) => (await queue.receive({ signal })).data,
    stat: () => queue.stat(),
    close: () => queue.close(),
  };
}

/** The contents of a queue; undefined where there is none. Throws `QueueError`. */
export function queueState({
  name,
  key,
  trustedUsers,
}: QueueAddress): { messages: number; bytes: number } | undefined {
  const trust = { ...(trustedUsers && { trustedUsers }) };
  try {
    using queue = name === undefined ? SystemVQueue.open(key as number, trust) : PosixQueue.open(name, trust);
    const { messages, bytes } = queue.stat();
    return { messages, bytes };
  } catch (error) {
    if (error instanceof QueueError && error.code === 'ERR_MILLRACE_QUEUE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** A queue's name in directory names and in messages. */
export function queueTitle({ name, key }: QueueAddress): string {
  return name === undefined ? `key-0x${((key as number) >>> 0).toString(16)}` : `name-${name.slice(1)}`;
}

/**
 * Makes this process the only one that runs the tasks of a queue, until the descriptor that it returns is closed, be it
 * by the process's death. Two would take each other's tasks and discard the results. Throws
 * `ERR_MILLRACE_TASK_QUEUE` while another is there.
 *
 * Implementation notes. A name in the abstract namespace of unix sockets: the kernel removes it with its process. It is
 * visible within the network namespace only.
 */
export function ownQueue(address: QueueAddress): number {
  const title = queueTitle(address);
  const name = title.length <= MAX_TITLE ? title : createHash('sha256').update(title).digest('hex');
  const { bytes, length } = encodeUnixAddress({ path: `\0millrace-tasks-${name}` });
  const fd = check(syscalls.socket(AF_UNIX, SOCK_DGRAM, 0), 'socket');
  const failed = syscalls.bind(fd, bytes, length);
  if (failed >= 0) return fd;
  syscalls.close(fd);
  if (failed !== -EADDRINUSE) return check(failed, 'bind');
  throw new TaskError(
    'ERR_MILLRACE_TASK_QUEUE',
    `The task queue '${title}' is already used by a running pool or server: stop it, or choose another name or key.`,
  );
}
