export type { Framing, KeepAliveOptions, Measure, SocketAddress } from '@millrace/reactor';
export {
  defineTasks,
  type RunOptions,
  type Settled,
  type TaskContext,
  TaskError,
  type TaskErrorCode,
} from '@millrace/task-pool';
export type { ClientInfo } from './client-info.js';
export type { Command, CommandOptions } from './commands.js';
export { ServerError, type ServerErrorCode } from './errors.js';
export type {
  PortEvents,
  ProcessId,
  ServerEvents,
  Task,
  TaskResultEvent,
  WorkerExit,
} from './events.js';
export type {
  Dispatch,
  DispatchChoice,
  DispatchedSession,
  DispatchMode,
  Ipc,
  LogLevel,
  ServerMode,
  ServerOptions,
} from './options.js';
export type { SessionCloseReason } from './packet.js';
export type { PlainTaskOptions } from './plain-task.js';
export type { Port } from './port.js';
export type { PortFraming, PortOptions } from './port-options.js';
export type { ReloadOptions, ReloadResult } from './reload.js';
export type { RoleName, WorkerStatus } from './role.js';
export { createServer, Server } from './server.js';
export type { PeerCertificate, TlsInfo } from './shared/tls-table.js';
export type { ServerStats } from './stats.js';
export type { CloseOptions, SendFileRange } from './switchboard.js';
export type { Pem, TlsIdentity, TlsOptions, TlsVersion } from './tls-options.js';
export type { Message, SessionData, Types } from './types.js';
export type { PacketClient } from './worker/packet-client.js';
export type { CloseInfo, Session } from './worker/session.js';
export type { UserProcess, UserProcessHandler } from './worker/user-process.js';
