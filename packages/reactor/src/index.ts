export {
  type CloseReason,
  Connection,
  type ConnectionHandlers,
  type ConnectionOptions,
} from './connection.js';
export { ReactorError, type ReactorErrorCode } from './errors.js';
export { FrameInput } from './frame-input.js';
export { createFramer, type Framer, type Framing, type LengthType, MALFORMED } from './framing.js';
export { Listener, type ListenerHandlers, type ListenerOptions } from './listener.js';
export { OutputQueue } from './output-queue.js';
export { Reactor, type ReactorOptions } from './reactor.js';
export type { WatchCallbacks, WatchOptions } from './watch.js';
