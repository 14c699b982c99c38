export type { Framing } from '@millrace/reactor';
export {
  defineTasks,
  type RunOptions,
  type TaskContext,
  TaskError,
  type TaskErrorCode,
} from '@millrace/task-pool';
export { ServerError, type ServerErrorCode } from './errors.js';
export type { PortEvents, ServerEvents, Task, TaskResultEvent, WorkerExit } from './events.js';
export type { LogLevel, PortFraming, PortOptions, ServerOptions } from './options.js';
export type { SessionCloseReason } from './packet.js';
export type { Port } from './port.js';
export type { RoleName } from './role.js';
export { createServer, Server } from './server.js';
export type { CloseInfo, Session } from './worker/session.js';
