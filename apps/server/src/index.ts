export type { Framing, KeepAliveOptions, Measure, SocketAddress } from '@millrace/reactor';
export {
  defineTasks,
  type RunOptions,
  type Settled,
  type TaskContext,
  TaskError,
  type TaskErrorCode,
} from '@millrace/task-pool';
export type { Port } from './api/port.js';
export type { FetchServable, Servable } from './api/served.js';
export { createServer, Server } from './api/server.js';
export type { ServerStats } from './api/stats.js';
export type { Bus, BusConnection, BusEvents, OpenBus } from './contract/bus.js';
export type { ClientInfo, PeerCertificate, TlsInfo } from './contract/client-info.js';
export type { CloseCause, CloseCounts } from './contract/close-causes.js';
export type { SessionCloseReason } from './contract/close-reasons.js';
export type { PortEvents, ServerEvents, Task, TaskResultEvent, WorkerExit } from './contract/events.js';
export type { ProcessId, RoleName } from './contract/ids.js';
export type { PacketClient } from './contract/packet-client.js';
export type { ReloadOptions, ReloadResult } from './contract/reload.js';
export type { WorkerStatus } from './contract/role.js';
export type { ScaleOptions, ScaleResult } from './contract/scale.js';
export type { CloseInfo, CloseOptions, SendFileRange, Session } from './contract/session.js';
export type { Subscription, TopicHandler } from './contract/topics.js';
export type { Message, SessionData, TopicName, TopicValue, Types } from './contract/types.js';
export { ServerError, type ServerErrorCode } from './errors.js';
export type { Command, CommandOptions } from './messages/commands.js';
export type { AdminOptions } from './options/admin-options.js';
export type {
  Dispatch,
  DispatchChoice,
  DispatchedSession,
  DispatchMode,
  Ipc,
  LogFormat,
  LogLevel,
  ProgramOutput,
  ServerMode,
  ServerOptions,
} from './options/options.js';
export type { HttpEngine, PortFraming, PortOptions, ServeOptions } from './options/port-options.js';
export type { Pem, TlsIdentity, TlsOptions, TlsVersion } from './options/tls-options.js';
export type { PlainTaskOptions } from './tasks/plain-task.js';
export type { UserProcess, UserProcessHandler } from './worker/user-process.js';
