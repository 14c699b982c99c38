/**
 * What the processes of a server tell their parents and children over the control pipes. Each message names its kind in
 * `type`; who reads one has a branch for every kind, which the compiler checks, and ignores what it does not know.
 */
import type { Logger } from '../log/log.js';
import { type Diagnose, type DiagnosisKind, isDiagnosis } from './diagnosis.js';
import type { ListenerIndex, PeerId, WorkerId } from './ids.js';
import { isProgramTls, type ProgramTls } from './program-tls.js';
import type { StatefulProtocol } from './protocol.js';
import type { ReloadOptions, ReloadResult } from './reload.js';
import { isScaleOptions, type ScaleOptions, type ScaleResult } from './scale.js';
import type { StartFailure } from './start-failure.js';

/** Where a program asks to listen; of `path` and `port` there is one. */
export interface ListenAddress {
  /** A literal; undefined: all addresses of the machine. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly backlog?: number | undefined;
  readonly ipv6Only?: boolean | undefined;
  /** Permissions of the file of a unix socket, where the program asks for some. */
  readonly permissions?: number | undefined;
}

/** The program of the process of that pid, which is that worker, has called `listen`. Answered by {@link Listening}. */
export interface ListenAsked {
  readonly type: 'listen';
  readonly worker: WorkerId;
  readonly pid: number;
  readonly request: number;
  /** The same in every worker, for the same call of the program. */
  readonly key: string;
  /** Of its connections as this process would have them. */
  readonly protocol: StatefulProtocol;
  readonly address: ListenAddress;
  /** Its TLS, where a reactor thread can end that; then its protocol is HTTP above it. */
  readonly tls?: ProgramTls | undefined;
}

/** The server of a worker whose TLS ends in the reactor threads has other keys and certificates, for clients to come. */
export interface ListenTls {
  readonly type: 'listenTls';
  readonly worker: WorkerId;
  readonly pid: number;
  readonly listener: ListenerIndex;
  readonly tls: ProgramTls;
}

/** The program of the process of that pid has closed a server that listened. */
export interface ListenEnded {
  readonly type: 'listenEnded';
  readonly worker: WorkerId;
  readonly pid: number;
  readonly listener: ListenerIndex;
}

/** What has become of a {@link ListenAsked}: the listener and where it is bound, or what the kernel said. */
export interface Listening {
  readonly type: 'listening';
  readonly worker: WorkerId;
  readonly pid: number;
  readonly request: number;
  readonly listener?: ListenerIndex | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** Its TLS ends in the reactor threads. */
  readonly secure?: boolean | undefined;
  /** In base mode: of the socket that waits for the process, in hexadecimal (links/file-link.ts). */
  readonly socket?: string | undefined;
  /** Positive; 0: no system call has failed, `reason` says why. */
  readonly errno?: number | undefined;
  readonly reason?: string | undefined;
  /** Why that will not be before the server starts anew: by what the program has said before, which still serves. */
  readonly refusal?: string | undefined;
}

/** From the manager to the processes below it. */
export type ToWorker =
  /** The rings and pipes of its name are its own from now on. */
  | { readonly type: 'lease' }
  /** Another process waits for its place, and cannot become ready without it: it finishes what it has, and ends. */
  | { readonly type: 'leave' }
  /** The process of that pid may give up its place and keep its connections, by the aside links of its name. */
  | Aside
  | Terminate
  | TaskWorkerDied
  | SessionsLost
  | TaskWorkerUp
  | TaskWorkerGone
  | Sized
  | AlsoListen
  | ResetLinks
  | ResetTasks
  | Listening
  | Diagnose
  | ReopenLog;

/** Answer to `asideWanted`. */
export interface Aside {
  readonly type: 'aside';
  readonly pid: number;
}

/** Answer to {@link Terminated}: SIGTERM was meant for that process alone, which acts on it now. */
export interface Terminate {
  readonly type: 'terminate';
  readonly pid: number;
}

/** In base mode: a worker has died, and its sessions are closed. */
export interface SessionsLost {
  readonly type: 'sessionsLost';
}

/** To all who ask for tasks: a task worker takes tasks from now on. */
export interface TaskWorkerUp {
  readonly type: 'taskWorkerUp';
  readonly taskWorker: number;
}

/** In base mode: the process of that pid accepts by one more socket of a listener, whose own worker the server was scaled down by. */
export interface AlsoListen {
  readonly type: 'alsoListen';
  readonly worker: WorkerId;
  readonly pid: number;
  readonly listener: ListenerIndex;
  /** As in {@link Listening}. */
  readonly socket: string;
}

/** To workers: so many of them get something now. */
export interface Sized {
  readonly type: 'sized';
  readonly workers: number;
}

/** To all who ask for tasks: that task worker has ended, and the server was scaled down by it or ends. */
export interface TaskWorkerGone {
  readonly type: 'taskWorkerGone';
  readonly taskWorker: number;
  /** No task worker is left and none will come, for this reason: what waits for one is rejected. */
  readonly noneLeft?: string | undefined;
}

/** To all who ask for tasks: what a task worker had begun is lost. */
export interface TaskWorkerDied {
  readonly type: 'taskWorkerDied';
  readonly taskWorker: number;
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  /** It was killed, for what it and others ask and answer each other made no sense. */
  readonly corrupt: boolean;
}

export interface ReopenLog {
  readonly type: 'reopenLog';
}

/** From the processes below the manager to it. */
export type FromWorker =
  /** The process of that pid has given up its place. */
  | { readonly type: 'leaseReleased'; readonly pid: number }
  /** The process of that pid is to give up its place, and has connections that no other process can go on with. */
  | { readonly type: 'asideWanted'; readonly pid: number }
  /** The process of that pid cannot become ready before it has the place. */
  | { readonly type: 'leaseWanted'; readonly pid: number }
  | { readonly type: 'reload'; readonly options: ReloadOptions }
  | { readonly type: 'stopWorker'; readonly worker: PeerId }
  | { readonly type: 'scale'; readonly options: ScaleOptions }
  | ShutdownAsked
  | ReloadCertificates
  | Terminated
  | StartFailed
  | Started
  /** In a server that stops, or is scaled down: this worker has read the last message that there was for it. */
  | { readonly type: 'drained' }
  | LinkCorrupt
  /** What that task worker and a process ask and answer each other makes no sense, by the fault of that peer. */
  | { readonly type: 'tasksCorrupt'; readonly peer: PeerId }
  | TasksReset
  | ListenAsked
  | ListenEnded
  | ListenTls
  /** Answer to {@link ResetLinks}, of the process of that pid; `reset`: it is a reactor by now, and has emptied its end. */
  | { readonly type: 'linksReset'; readonly peer: PeerId; readonly pid: number; readonly reset: boolean }
  /** This task worker takes tasks. */
  | { readonly type: 'takesTasks' };

/** What the process of a peer sends, or what is sent to it, makes no sense: it is killed, and what lies between emptied. */
export interface LinkCorrupt {
  readonly type: 'linkCorrupt';
  readonly peer: PeerId;
}

/** The process of that peer has ended, and the next waits until its links are emptied. In base mode also to workers. */
export interface ResetLinks {
  readonly type: 'resetLinks';
  readonly peer: PeerId;
}

/** To all who ask for tasks: that task worker has ended, and the next waits until what lies between is emptied. */
export interface ResetTasks {
  readonly type: 'resetTasks';
  readonly taskWorker: number;
  /** From then on, by the machine's monotonic clock in milliseconds, the rings are not to be touched. */
  readonly until: number;
}

/** Answer to {@link ResetTasks}, of the process of that pid; `reset`: it has the way open, and has emptied it. */
export interface TasksReset {
  readonly type: 'tasksReset';
  readonly taskWorker: number;
  readonly pid: number;
  readonly reset: boolean;
}

/** New clients are to get the certificates that the files hold now. */
export interface ReloadCertificates {
  readonly type: 'reloadCertificates';
}

/** The whole server is to end in order. */
export interface ShutdownAsked {
  readonly type: 'shutdown';
}

/** SIGTERM has come to the process of that pid. Only the master knows whether the whole server is to end. */
export interface Terminated {
  readonly type: 'terminated';
  readonly pid: number;
}

/** The process of that pid has come to `start`. */
export interface Started {
  readonly type: 'started';
  readonly pid: number;
}

/** A process of the first ones has failed in its start, and ends. */
export interface StartFailed {
  readonly type: 'startFailed';
  readonly failure: StartFailure;
}

/** From the manager to the master. */
export type FromManager =
  /** The first workers have come up: clients may come, who are served. */
  | { readonly type: 'workersUp' }
  | ReloadCertificates
  | StartFailed
  | ShutdownAsked
  | TaskWorkerDied
  | TaskWorkerUp
  | TaskWorkerGone
  /** The server has that many processes now; answered by `resized`, when no reactor thread gives anything to other workers. */
  | {
      readonly type: 'resize';
      readonly workers: number;
      readonly places: number;
      readonly taskWorkers: number;
    }
  /** No process will have the place of that worker, which has read all that there was for it; `lost`: it has not. */
  | { readonly type: 'workerGone'; readonly worker: WorkerId; readonly lost: boolean }
  | { readonly type: 'scaled'; readonly request: number; readonly result: ScaleResult }
  /** The process that was that peer, a worker or one aside, is it no more: no other one becomes it before {@link WorkerSettled}. */
  | { readonly type: 'workerDied'; readonly peer: PeerId }
  | { readonly type: 'workerReplaced'; readonly worker: WorkerId }
  /** The process of that pid has come up as that worker. */
  | { readonly type: 'workerReady'; readonly worker: WorkerId; readonly pid: number }
  | ResetLinks
  | ResetTasks
  | SessionsLost
  | ListenAsked
  | ListenEnded
  | ListenTls
  | Terminated
  | Started
  /** The processes came up with that, by a reload: the next manager begins with it. */
  | { readonly type: 'programTaken'; readonly program: unknown }
  /** It ends, and the server does not: the next manager is to be asked. */
  | { readonly type: 'notBegun'; readonly request: number }
  | { readonly type: 'reloaded'; readonly request: number; readonly result: ReloadResult };

/** Answer to `workerDied`: the clients of that process have been told. */
export interface WorkerSettled {
  readonly type: 'workerSettled';
  readonly peer: PeerId;
}

/** From the master to the manager. */
export type ToManager =
  | { readonly type: 'reload'; readonly request: number; readonly options: ReloadOptions }
  /** A new process in the place of that one; answered as a reload. */
  | { readonly type: 'stopWorker'; readonly worker: PeerId; readonly request: number }
  | { readonly type: 'scale'; readonly request: number; readonly options: ScaleOptions }
  | { readonly type: 'resized' }
  | AlsoListen
  /** Whatever is left of a stop is killed. */
  | { readonly type: 'hurry' }
  /** The server does not end: SIGTERM was meant for the process of that pid alone. */
  | { readonly type: 'terminate'; readonly pid: number }
  | LinkCorrupt
  | WorkerSettled
  | TasksReset
  | Listening
  /** The links of that peer are empty: the next process may have them. */
  | { readonly type: 'linksReset'; readonly peer: PeerId }
  | Diagnose
  | ReopenLog;

/** From the admin process to the master; each request is answered by {@link ToAdmin}, with the same number. */
export type FromAdmin =
  | { readonly type: 'reload'; readonly request: number; readonly options: ReloadOptions }
  | { readonly type: 'scale'; readonly request: number; readonly options: ScaleOptions }
  | ShutdownAsked
  /** That process, if it is that peer's still, is to be looked into. */
  | {
      readonly type: 'diagnosis';
      readonly request: number;
      readonly peer: PeerId;
      readonly pid: number;
      readonly kind: DiagnosisKind;
    }
  /** A signal to the process of that pid, if that is that peer's still, or the admin process itself. */
  | {
      readonly type: 'signal';
      readonly request: number;
      readonly peer?: PeerId | undefined;
      readonly pid: number;
      readonly signal: string;
    };

/** From the master to the admin process. */
export type ToAdmin =
  /** `order`: its number, by which the process answers in shared memory; undefined: the process was not there. */
  | { readonly type: 'diagnosing'; readonly request: number; readonly order?: number | undefined }
  | { readonly type: 'reloaded'; readonly request: number; readonly result: ReloadResult }
  | { readonly type: 'scaled'; readonly request: number; readonly result: ScaleResult }
  /** `sent`: the process was there. */
  | { readonly type: 'signalled'; readonly request: number; readonly sent: boolean };

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isBoolean: Check = (value) => typeof value === 'boolean';
const isText: Check = (value) => typeof value === 'string';
const orNone =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isOptions: Check = (value) => isObject(value) && orNone(isBoolean)(value.tasksOnly);
const isExit: Check = (value) =>
  isObject(value) && orNone(Number.isInteger)(value.code) && orNone(isText)(value.signal);
const isFailure: Check = (value) => {
  if (!isObject(value) || !isText(value.message) || !isText(value.stack)) return false;
  return orNone(isText)(value.who) && orNone(isText)(value.name) && orNone(isText)(value.code);
};
const isAddress: Check = (value) => {
  if (!isObject(value)) return false;
  const { host, port, path, backlog, ipv6Only, permissions } = value;
  return (
    [host, path].every(orNone(isText)) &&
    [port, backlog, permissions].every(orNone(isNumber)) &&
    orNone(isBoolean)(ipv6Only)
  );
};
const isResult: Check = (value) =>
  isObject(value) && isText(value.outcome) && orNone(isNumber)(value.replaced);

const isSizeResult: Check = (value) =>
  isObject(value) &&
  isText(value.outcome) &&
  orNone(isNumber)(value.workers) &&
  orNone(isNumber)(value.taskWorkers);

type Kind = (ToWorker | FromWorker | FromManager | ToManager | FromAdmin | ToAdmin)['type'];

/** What the fields of each kind must be: one that is something else would be found in the middle of what it asks for. */
const FIELDS: Readonly<Record<Kind, Readonly<Record<string, Check>>>> = {
  lease: {},
  leave: {},
  aside: { pid: isNumber },
  asideWanted: { pid: isNumber },
  terminate: { pid: isNumber },
  terminated: { pid: isNumber },
  sessionsLost: {},
  taskWorkerUp: { taskWorker: isNumber },
  taskWorkerGone: { taskWorker: isNumber },
  scale: { options: isScaleOptions, request: orNone(isNumber) },
  scaled: { request: isNumber, result: isSizeResult },
  resize: { workers: isNumber, places: isNumber, taskWorkers: isNumber },
  resized: {},
  programTaken: { program: isObject },
  alsoListen: { worker: isNumber, pid: isNumber, listener: isNumber, socket: isText },
  sized: { workers: isNumber },
  workerGone: { worker: isNumber, lost: isBoolean },
  taskWorkerDied: { taskWorker: isNumber, exit: isExit, corrupt: isBoolean },
  reopenLog: {},
  leaseReleased: { pid: isNumber },
  leaseWanted: { pid: isNumber },
  reload: { options: isOptions, request: orNone(isNumber) },
  stopWorker: { worker: isNumber, request: orNone(isNumber) },
  shutdown: {},
  reloadCertificates: {},
  startFailed: { failure: isFailure },
  started: { pid: isNumber },
  drained: {},
  linkCorrupt: { peer: isNumber },
  resetLinks: { peer: isNumber },
  linksReset: { peer: isNumber, pid: orNone(isNumber), reset: orNone(isBoolean) },
  takesTasks: {},
  workersUp: {},
  workerDied: { peer: isNumber },
  workerSettled: { peer: isNumber },
  workerReplaced: { worker: isNumber },
  workerReady: { worker: isNumber, pid: isNumber },
  reloaded: { request: isNumber, result: isResult },
  tasksCorrupt: { peer: isNumber },
  resetTasks: { taskWorker: isNumber, until: Number.isFinite },
  tasksReset: { taskWorker: isNumber, pid: isNumber, reset: isBoolean },
  listen: {
    worker: isNumber,
    pid: isNumber,
    request: isNumber,
    key: isText,
    protocol: (value) => value === 'http' || value === 'stream',
    address: isAddress,
    tls: orNone(isProgramTls),
  },
  listenTls: { worker: isNumber, pid: isNumber, listener: isNumber, tls: isProgramTls },
  listenEnded: { worker: isNumber, pid: isNumber, listener: isNumber },
  listening: {
    worker: isNumber,
    pid: isNumber,
    request: isNumber,
    listener: orNone(isNumber),
    host: orNone(isText),
    port: orNone(isNumber),
    secure: orNone(isBoolean),
    socket: orNone(isText),
    errno: orNone(isNumber),
    reason: orNone(isText),
    refusal: orNone(isText),
  },
  hurry: {},
  notBegun: { request: isNumber },
  signal: { request: isNumber, peer: orNone(isNumber), pid: isNumber, signal: isText },
  diagnose: { pid: isNumber, order: isNumber, kind: isDiagnosis },
  diagnosis: { request: isNumber, peer: isNumber, pid: isNumber, kind: isDiagnosis },
  diagnosing: { request: isNumber, order: orNone(isNumber) },
  signalled: { request: isNumber, sent: isBoolean },
};

/** The body of a message, where it has the form of one; anything else is logged and ignored. */
export function controlMessage<Message extends { readonly type: string }>(
  body: unknown,
  from: string,
  context: { readonly log: Logger },
): Message | undefined {
  const { type } = (body ?? {}) as { readonly type?: unknown };
  if (typeof type === 'string') {
    // A kind that there is not, its reader names.
    const fields = Object.hasOwn(FIELDS, type) ? FIELDS[type as Kind] : {};
    for (const [field, check] of Object.entries(fields)) {
      if (check((body as Record<string, unknown>)[field])) continue;
      context.log.error(
        { from, type, field },
        `a control message of kind '${type}' with a wrong '${field}' is ignored`,
      );
      return undefined;
    }
    return body as Message;
  }
  context.log.error({ from }, 'a control message without a kind is ignored');
  return undefined;
}

/** The last branch of every switch over kinds: of another version of this program, or a fault of this one. */
export function unknownMessage(message: never, from: string, context: { readonly log: Logger }): void {
  const { type } = message as { readonly type: string };
  context.log.error({ from, type }, `a control message of the unknown kind '${type}' is ignored`);
}
