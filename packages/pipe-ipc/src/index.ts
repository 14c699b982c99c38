/**
 * Channels over socket pairs that keep message boundaries: between a process and its children, threads, and processes that find each
 * other by a path.
 *
 *     const { pipe } = spawnWithPipe<Job, Report>(new URL('./worker.js', import.meta.url));
 *     pipe.send(job);
 *     const report = await pipe.receive({ timeout: 10_000 });
 *
 * To read the source: pipe.ts makes channels of descriptors; spawn.ts, parent.ts, connect.ts and listen.ts find the other side;
 * transport/ is the way of a message, with a picture of a datagram in transport/datagram-layout.ts.
 *
 * @packageDocumentation
 */
export { type ConnectPipeOptions, connectPipe } from './connect.js';
export { PipeError, type PipeErrorCode } from './errors.js';
export { listenPipe, PipeListener, type PipeListenerOptions } from './listen.js';
export { pipeFromParent } from './parent.js';
export {
  type CreatePipeOptions,
  createPipe,
  openPipe,
  type PipeDescriptors,
  type PipeOptions,
} from './pipe.js';
export { createRedirect, type Redirect } from './redirect.js';
export {
  type ChildWithPipe,
  type SpawnWithPipeOptions,
  spawnWithPipe,
  type ThreadWithPipe,
  type ThreadWithPipeOptions,
  threadWithPipe,
} from './spawn.js';
export { PipeTransport, type PipeTransportOptions } from './transport/pipe-transport.js';
