import { type ChildProcess, type IOType, type SpawnOptions, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { checkOptions, optionNames, type TransportChannel } from '@millrace/channel';
import { SHUT_RDWR, syscalls } from '@millrace/native/syscalls';
import { announce } from './parent.js';
import {
  type CreatePipeOptions,
  createPipe,
  openChecked,
  PIPE_OPTION_NAMES,
  type PipeOptions,
} from './pipe.js';
import { createRedirect, type Redirect } from './redirect.js';
import type { PipeTransportOptions } from './transport/pipe-transport.js';

/** Bytes that the kernel keeps, unless it is told otherwise: as many as a channel keeps before it says no. */
const SEND_BUFFER = 1 << 20;

interface PipeSize {
  /** As of {@link createPipe}. Default 1 MiB. */
  readonly sendBuffer?: CreatePipeOptions['sendBuffer'];
}

/** A child process with the parent's end of its pipe. */
export type ChildWithPipe<Out, In = Out> = ChildProcess & {
  readonly pipe: TransportChannel<Out, In>;
  /** With `redirect`: the child's standard input, output and error in one. */
  readonly terminal: Duplex | undefined;
};

export interface SpawnWithPipeOptions<Out, In> extends PipeOptions<Out, In>, PipeSize {
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
  /** Connects all three to `child.terminal` instead. Default false. */
  readonly redirect?: boolean;
}

const SPAWN_OPTIONS = optionNames<SpawnWithPipeOptions<unknown, unknown>>({
  ...PIPE_OPTION_NAMES,
  sendBuffer: true,
  args: true,
  execArgv: true,
  spawn: true,
  stdio: true,
  redirect: true,
});

type Stdio = IOType | number | null | undefined;

/** The child's number of the pipe: the first one after the standard three. */
const CHILD_FD = 3;

/**
 * Starts `module` in a Node of its own with a pipe to it: `child.pipe` here, `pipeFromParent()` there. `Out` is what this
 * side sends. A relative path is relative to the working directory, as of `child_process`.
 *
 * The pipe is made before the child, so that what is sent at once waits for it. It ends once the child has closed its
 * end or died, after everything that the child had sent. Throws `SystemCallError`; that the child could not be started is
 * its `error` event, as of `child_process`.
 */
export function spawnWithPipe<Out, In = Out>(
  module: string | URL,
  options: SpawnWithPipeOptions<Out, In> = {},
): ChildWithPipe<Out, In> {
  checkOptions(options, SPAWN_OPTIONS, 'spawnWithPipe()');
  const { args = [], execArgv = process.execArgv, stdio = ['inherit', 'inherit', 'inherit'] } = options;
  const ends = createPipe({ sendBuffer: options.sendBuffer ?? SEND_BUFFER });
  let redirect: Redirect | undefined;
  let pipe: TransportChannel<Out, In> | undefined;
  try {
    redirect = options.redirect ? createRedirect() : undefined;
    pipe = openChecked<Out, In>(ends.left, options);
    const path = module instanceof URL ? fileURLToPath(module) : module;
    const child = spawn(process.execPath, [...execArgv, path, ...args], {
      ...options.spawn,
      env: announce(options.spawn?.env ?? process.env, CHILD_FD),
      stdio: [...(redirect?.stdio ?? stdio), ends.right],
    });
    return Object.assign(child, { pipe, terminal: redirect?.stream });
  } catch (error) {
    giveUp(ends.left, pipe, options);
    redirect?.stream.destroy();
    throw error;
  } finally {
    // The child has its own by now; with another copy here, its death would not end the pipe.
    syscalls.close(ends.right);
    redirect?.close();
  }
}

/** A worker thread with this thread's end of its pipe. */
export type ThreadWithPipe<Out, In = Out> = Worker & { readonly pipe: TransportChannel<Out, In> };

export interface ThreadWithPipeOptions<Out, In> extends PipeOptions<Out, In>, PipeSize {
  /** As of `worker_threads.Worker`. */
  readonly worker?: Omit<WorkerOptions, 'env'> & { readonly env?: NodeJS.ProcessEnv };
}

const THREAD_OPTIONS = optionNames<ThreadWithPipeOptions<unknown, unknown>>({
  ...PIPE_OPTION_NAMES,
  sendBuffer: true,
  worker: true,
});

/** Starts `module` in a worker thread with a pipe to it: `worker.pipe` here, `pipeFromParent()` there. */
export function threadWithPipe<Out, In = Out>(
  module: string | URL,
  options: ThreadWithPipeOptions<Out, In> = {},
): ThreadWithPipe<Out, In> {
  checkOptions(options, THREAD_OPTIONS, 'threadWithPipe()');
  const ends = createPipe({ sendBuffer: options.sendBuffer ?? SEND_BUFFER });
  let pipe: TransportChannel<Out, In> | undefined;
  try {
    // Before the thread: from its start on the other end is closed with it, and nowhere else.
    pipe = openChecked<Out, In>(ends.left, options);
    const env = announce(options.worker?.env ?? process.env, ends.right);
    const worker = new Worker(module, { ...options.worker, env });
    worker.once('exit', () => {
      // Not its own descriptor but the process's: a thread that was terminated has closed nothing.
      syscalls.shutdown(ends.right, SHUT_RDWR);
      syscalls.close(ends.right);
    });
    return Object.assign(worker, { pipe });
  } catch (error) {
    giveUp(ends.left, pipe, options);
    syscalls.close(ends.right);
    throw error;
  }
}

/** Closes this side's end, which no caller has got; a channel leaves its descriptor open if it is told so. */
function giveUp(
  fd: number,
  pipe: TransportChannel<never, unknown> | undefined,
  { closeDescriptor = true }: PipeTransportOptions,
): void {
  pipe?.destroy();
  if (pipe === undefined || closeDescriptor !== true) syscalls.close(fd);
}
