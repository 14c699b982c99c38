export { type ConnectPipeOptions, connectPipe } from './connect.js';
export { PipeError, type PipeErrorCode } from './errors.js';
export { listenPipe, PipeListener, type PipeListenerOptions } from './listen.js';
export { fromParent } from './parent.js';
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
