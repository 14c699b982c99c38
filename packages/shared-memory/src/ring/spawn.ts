import { type ChildProcess, type IOType, type SpawnOptions, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';
import { checkOptions, optionNames, type TransportChannel } from '@millrace/channel';
import { SHUT_RDWR, syscalls } from '@millrace/native/syscalls';
import { SharedMemoryError } from '../errors.js';
import {
  closeRingEnd,
  createRingLink,
  descriptorsOf,
  openChecked,
  RING_CHANNEL_OPTION_NAMES,
  RING_CHANNEL_OPTIONS,
  type RingChannelOptions,
  type RingEnd,
  type RingLinkOptions,
  ringEnd,
} from './link.js';

/** Tells a process or a thread the numbers of the descriptors that it was started with. */
const VARIABLE = 'MILLRACE_RING_FDS';

/** The environment that announces an end, of which the child has these descriptors, to {@link ringFromParent}. */
function announce(env: NodeJS.ProcessEnv, descriptors: readonly number[]): NodeJS.ProcessEnv {
  return { ...env, [VARIABLE]: descriptors.join(',') };
}

/** A child process with the parent's end of its rings. */
export type ChildWithRing<Out, In = Out> = ChildProcess & { readonly ring: TransportChannel<Out, In> };

export interface SpawnWithRingOptions<Out, In> extends RingChannelOptions<Out, In>, RingLinkOptions {
  /** Arguments of the module. Default none. */
  readonly args?: readonly string[];
  /** Arguments of Node. Default: those of this process. */
  readonly execArgv?: readonly string[];
  /** As of `child_process.spawn`; `signal` kills the child. */
  readonly spawn?: Pick<
    SpawnOptions,
    'cwd' | 'env' | 'uid' | 'gid' | 'detached' | 'signal' | 'killSignal' | 'timeout'
  >;
  /** The child's standard input, output and error. Default: this process's. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio];
}

const SPAWN_OPTIONS = optionNames<SpawnWithRingOptions<unknown, unknown>>({
  ...RING_CHANNEL_OPTION_NAMES,
  capacity: true,
  args: true,
  execArgv: true,
  spawn: true,
  stdio: true,
});

type Stdio = IOType | number | null | undefined;

/** The child's numbers of its end: those after the standard three. */
const CHILD_FDS = [3, 4, 5, 6];

/**
 * Starts `module` in a Node of its own with two rings to it: `child.ring` here, `ringFromParent()` there. `Out` is what
 * this side sends. A relative path is relative to the working directory, as of `child_process`.
 *
 * What is sent at once waits for the child. The channel ends once the child has closed its end or died, after everything
 * that the child had sent. Throws as {@link createRingLink}; that the child could not be started is its `error` event.
 */
export function spawnWithRing<Out, In = Out>(
  module: string | URL,
  options: SpawnWithRingOptions<Out, In> = {},
): ChildWithRing<Out, In> {
  checkOptions(options, SPAWN_OPTIONS, 'spawnWithRing()');
  const { args = [], execArgv = process.execArgv, stdio = ['inherit', 'inherit', 'inherit'] } = options;
  const { left, right } = createRingLink({ capacity: options.capacity });
  try {
    const path = module instanceof URL ? fileURLToPath(module) : module;
    const child = spawn(process.execPath, [...execArgv, path, ...args], {
      ...options.spawn,
      env: announce(options.spawn?.env ?? process.env, CHILD_FDS),
      stdio: [...stdio, ...descriptorsOf(right)],
    });
    return Object.assign(child, { ring: openChecked<Out, In>(left, options) });
  } catch (error) {
    closeRingEnd(left);
    throw error;
  } finally {
    // The child has its own by now; with another copy here, its death would not end the channel.
    closeRingEnd(right);
  }
}

/** A worker thread with this thread's end of its rings. */
export type ThreadWithRing<Out, In = Out> = Worker & { readonly ring: TransportChannel<Out, In> };

export interface ThreadWithRingOptions<Out, In> extends RingChannelOptions<Out, In>, RingLinkOptions {
  /** As of `worker_threads.Worker`. */
  readonly worker?: Omit<WorkerOptions, 'env'> & { readonly env?: NodeJS.ProcessEnv };
}

const THREAD_OPTIONS = optionNames<ThreadWithRingOptions<unknown, unknown>>({
  ...RING_CHANNEL_OPTION_NAMES,
  capacity: true,
  worker: true,
});

/** Starts `module` in a worker thread with two rings to it: `worker.ring` here, `ringFromParent()` there. */
export function threadWithRing<Out, In = Out>(
  module: string | URL,
  options: ThreadWithRingOptions<Out, In> = {},
): ThreadWithRing<Out, In> {
  checkOptions(options, THREAD_OPTIONS, 'threadWithRing()');
  const { left, right } = createRingLink({ capacity: options.capacity });
  try {
    const env = announce(options.worker?.env ?? process.env, descriptorsOf(right));
    const worker = new Worker(module, { ...options.worker, env });
    worker.once('exit', () => {
      // Not its own descriptors but the process's: a thread that was terminated has closed nothing.
      syscalls.shutdown(right.life, SHUT_RDWR);
      closeRingEnd(right);
    });
    return Object.assign(worker, { ring: openChecked<Out, In>(left, options) });
  } catch (error) {
    closeRingEnd(left);
    closeRingEnd(right);
    throw error;
  }
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
  // A thread's descriptors are those of the whole process; the thread's parent closes them.
  return openChecked<Out, In>(end, { ...options, closeDescriptors: isMainThread });
}

/** Whether the last of four descriptors is a socket, as an end's is. */
function isEnd(descriptors: readonly number[]): boolean {
  return descriptors.length === 4 && syscalls.unreadBytes(descriptors[3] as number) >= 0;
}
