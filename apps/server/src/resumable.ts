/**
 * WebSockets that outlast their process: a program of `millrace start`, or one with `server.serve`, says with {@link resumable} how
 * another process goes on with them. Where nothing outlasts a process, as under plain `node app.js`, it does nothing.
 */
export {
  type Resumable,
  type ResumableHandlers,
  type Resumption,
  resumable,
  type WebSocketLike,
  type WebSocketServerLike,
} from './programs/resumable-websockets.js';
