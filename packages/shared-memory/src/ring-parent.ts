import { isMainThread } from 'node:worker_threads';
import { checkOptions, type TransportChannel } from '@millrace/channel';
import { syscalls } from '@millrace/native';
import { SharedMemoryError } from './errors.js';
import {
  descriptorsOf,
  openChecked,
  RING_CHANNEL_OPTIONS,
  type RingChannelOptions,
  type RingEnd,
  ringEnd,
} from './ring-link.js';

/** Tells a process or a thread the numbers of the descriptors that it was started with. */
const VARIABLE = 'MILLRACE_RING_FDS';

/** The environment that announces an end, of which the child has these descriptors, to {@link ringFromParent}. */
export function announce(env: NodeJS.ProcessEnv, descriptors: readonly number[]): NodeJS.ProcessEnv {
  return { ...env, [VARIABLE]: descriptors.join(',') };
}

/**
 * The other end of the rings that this process or thread was started with, by `spawnWithRing` or `threadWithRing`.
 *
 * It can be taken once, and is not handed on to processes that this one starts. Throws `ERR_MILLRACE_RING_NO_PARENT`.
 */
export function ringFromParent<Out, In = Out>(
  options: RingChannelOptions<Out, In> = {},
): TransportChannel<Out, In> {
  checkOptions(options, RING_CHANNEL_OPTIONS, 'ringFromParent()');
  const descriptors = process.env[VARIABLE]?.split(',').map(Number);
  delete process.env[VARIABLE];
  // The variable may have come from further up than the descriptors.
  if (descriptors === undefined || !isEnd(descriptors)) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_RING_NO_PARENT',
      'No ring was handed to this process: start it with spawnWithRing() or threadWithRing(), and take the ring once.',
    );
  }
  const end: RingEnd = ringEnd('right', descriptors);
  if (isMainThread) for (const fd of descriptorsOf(end)) syscalls.setCloseOnExec(fd, 1);
  // A thread's descriptors are those of the whole process; whoever started the thread closes them.
  return openChecked<Out, In>(end, { ...options, closeDescriptors: isMainThread });
}

/** Whether the last of four descriptors is a socket, as an end's is. */
function isEnd(descriptors: readonly number[]): boolean {
  return descriptors.length === 4 && syscalls.unreadBytes(descriptors[3] as number) >= 0;
}
