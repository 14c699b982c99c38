// What the page and the command read of the answers of the admin interface. A test of @millrace/server holds these against its schemas.

export type ServerState = 'starting' | 'ready' | 'degraded' | 'draining';
export type ProcessState = 'starting' | 'ready' | 'leaving' | 'hanging' | 'stopped' | 'down' | 'standby';
export type Role =
  | 'master'
  | 'manager'
  | 'worker'
  | 'standby'
  | 'task-worker'
  | 'user-process'
  | 'service'
  | 'admin';

export interface Status {
  readonly name: string;
  readonly state: ServerState;
  readonly mode: string;
  readonly httpEngine: string;
  readonly pid: number;
  readonly node: string;
  readonly uptimeMs: number;
  readonly at: number;
  readonly connections: {
    readonly open: number;
    readonly limit: number;
    readonly accepted: number;
    readonly closed: number;
    readonly closedBy: Readonly<Record<string, number>>;
    readonly turnedAway: number;
  };
  readonly messages: {
    readonly received: number;
    readonly answered: number;
    readonly underWay: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  };
  readonly tasks: {
    readonly asked: number;
    readonly completed: number;
    readonly failed: number;
    readonly waiting: number;
    readonly running: number;
  };
  readonly processes: {
    readonly total: number;
    readonly ready: number;
    readonly restarts: number;
    readonly failures: number;
  };
  /** How many there are, and how many there may be. */
  readonly size: {
    readonly workers: number;
    readonly maxWorkers: number;
    readonly taskWorkers: number;
    readonly maxTaskWorkers: number;
  };
  readonly lostLogLines: number;
  readonly adminAddress: { readonly host: string; readonly port: number } | null;
}

export interface ProcessReport {
  readonly name: string;
  readonly role: Role;
  readonly id: number;
  readonly pid: number | null;
  readonly state: ProcessState;
  readonly uptimeMs: number | null;
  readonly cpuMs: number | null;
  readonly cpuPercent: number | null;
  readonly memory: number | null;
  readonly loopDelayMs: number | null;
  readonly loopDelayP99Ms: number | null;
  readonly restarts: number | null;
  readonly failures: number | null;
  readonly lastFailure: string | null;
  readonly connections: number | null;
  readonly messages: number | null;
  readonly messagesUnderWay: number | null;
  readonly tasksRunning: number | null;
  readonly tasksAsked: number | null;
}

export interface Listener {
  readonly index: number;
  readonly type: 'stream' | 'datagram';
  readonly protocol: string | null;
  readonly tls: boolean;
  readonly host: string | null;
  readonly port: number | null;
  readonly path: string | null;
  readonly connections: number;
  readonly accepted: number;
  readonly refused: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of a second; null: not known yet. */
  readonly rates: {
    readonly accepted: number;
    readonly messagesIn: number;
    readonly messagesOut: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  } | null;
}

export interface Connection {
  readonly session: number;
  readonly listener: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly worker: number | null;
  readonly connectedAt: number;
  readonly lastReceivedAt: number;
  readonly lastSentAt: number;
  readonly queuedBytes: number;
  readonly paused: boolean;
}

export interface ConnectionPage {
  readonly at: number;
  readonly open: number;
  readonly connections: readonly Connection[];
  readonly next: number | null;
}

/** That a process has ended, come, or changed its state. */
export interface ProcessEvent {
  readonly process: string;
  readonly state: ProcessState;
  readonly pid: number | null;
  readonly previousPid: number | null;
  readonly lastFailure: string | null;
  readonly at: number;
}

export interface History<Series extends string> {
  readonly everyMs: number;
  readonly at: readonly number[];
  readonly series: Readonly<Partial<Record<Series, readonly (number | null)[]>>>;
}

/** A request waits for a process that does nothing. */
export interface HeldLine {
  readonly type: 'held';
  readonly process: string;
  readonly pid: number;
  readonly state: 'stopped' | 'hanging';
  readonly advice: string;
}

/** A line of the answer to a scaling. */
export type ScaleLine =
  | { readonly type: 'started'; readonly workers: number; readonly taskWorkers: number }
  | { readonly type: 'ready' | 'ended'; readonly process: string; readonly pid: number }
  | HeldLine
  | { readonly type: 'waiting'; readonly seconds: number }
  | {
      readonly type: 'done';
      readonly outcome: string;
      readonly workers: number | null;
      readonly taskWorkers: number | null;
      readonly advice: string | null;
    };

/** Tasks of one name; times are in milliseconds, of those that were answered. */
export interface TaskReport {
  readonly name: string;
  readonly waiting: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly waitP50Ms: number | null;
  readonly waitP99Ms: number | null;
  readonly runP50Ms: number | null;
  readonly runP99Ms: number | null;
}

/** What a task worker runs; null: nothing. */
export interface TaskWorkerReport {
  readonly process: string;
  readonly task: string | null;
  readonly since: number | null;
}

export interface EngineReport {
  readonly name: string;
  readonly connected: boolean;
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  readonly hosts: readonly { readonly address: string; readonly running: number }[];
  readonly disconnects: number;
  readonly retried: number;
  readonly lookedUp: number;
  readonly lost: number;
  readonly replyP50Ms: number | null;
  readonly replyP99Ms: number | null;
  readonly here: {
    readonly running: number;
    readonly slots: number;
    readonly settled: number;
    readonly lost: number;
    readonly again: number;
    readonly cancelled: number;
    readonly stalled: number;
  } | null;
}

export interface TasksReport {
  readonly at: number;
  readonly engine: EngineReport | null;
  readonly tasks: readonly TaskReport[];
  readonly workers: readonly TaskWorkerReport[];
}

export interface QueueReport {
  readonly name: string;
  readonly kind: string;
  readonly messages: number | null;
  readonly capacity: number | null;
  readonly bytes: number | null;
  readonly capacityBytes: number | null;
}

export interface TableReport {
  readonly name: string;
  readonly rows: number;
  readonly capacity: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly hitRate: number | null;
}

/** A line of the answer to a reload. */
export type ReloadLine =
  | { readonly type: 'started'; readonly processes: number }
  | {
      readonly type: 'replaced';
      readonly process: string;
      readonly pid: number;
      readonly previousPid: number | null;
    }
  | HeldLine
  | { readonly type: 'waiting'; readonly seconds: number }
  | {
      readonly type: 'done';
      readonly outcome: string;
      readonly replaced: number;
      readonly advice: string | null;
    };
