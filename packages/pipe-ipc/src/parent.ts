import { isMainThread } from 'node:worker_threads';
import { checkOptions, type TransportChannel } from '@millrace/channel';
import { syscalls } from '@millrace/native/syscalls';
import { PipeError } from './errors.js';
import { openChecked, PIPE_OPTIONS, type PipeOptions } from './pipe.js';

/** Tells a process or a thread the number of the descriptor that it was started with. */
const VARIABLE = 'MILLRACE_PIPE_FD';

/** The environment that announces `fd` to {@link pipeFromParent}. */
export function announce(env: NodeJS.ProcessEnv, fd: number): NodeJS.ProcessEnv {
  return { ...env, [VARIABLE]: String(fd) };
}

/**
 * The other end of the pipe that this process or thread was started with, by `spawnWithPipe` or `threadWithPipe`.
 *
 * It can be taken once, and is not handed on to processes that this one starts. Throws `ERR_MILLRACE_PIPE_NO_PARENT`.
 */
export function pipeFromParent<Out, In = Out>(options: PipeOptions<Out, In> = {}): TransportChannel<Out, In> {
  checkOptions(options, PIPE_OPTIONS, 'pipeFromParent()');
  const fd = Number(process.env[VARIABLE] ?? Number.NaN);
  delete process.env[VARIABLE];
  // The variable may have come from further up than the descriptor.
  if (!Number.isInteger(fd) || syscalls.unreadBytes(fd) < 0) {
    throw new PipeError(
      'ERR_MILLRACE_PIPE_NO_PARENT',
      'No pipe was handed to this process: start it with spawnWithPipe() or threadWithPipe(), and take the pipe once.',
    );
  }
  if (isMainThread) syscalls.setCloseOnExec(fd, 1);
  // A thread's descriptor is that of the whole process; the side that started the thread closes it.
  return openChecked<Out, In>(fd, { ...options, closeDescriptor: isMainThread ? true : 'shutdown' });
}
