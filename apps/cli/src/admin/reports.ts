/** What is read of the answers of the admin interface; its OpenAPI document has all of it. */

export interface Status {
  readonly name: string;
  readonly state: 'starting' | 'ready' | 'degraded' | 'draining';
  readonly mode: string;
  readonly pid: number;
  readonly node: string;
  readonly uptimeMs: number;
  readonly at: number;
  readonly adminAddress: { readonly host: string; readonly port: number } | null;
  readonly connections: {
    readonly open: number;
    readonly limit: number;
    readonly closed: number;
    readonly closedBy: Readonly<Record<string, number>>;
    readonly turnedAway: number;
  };
  readonly messages: {
    readonly received: number;
    readonly underWay: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  };
  readonly tasks: {
    readonly asked: number;
    readonly completed: number;
    readonly waiting: number;
    readonly running: number;
  };
  readonly size: {
    readonly workers: number;
    readonly maxWorkers: number;
    readonly taskWorkers: number;
    readonly maxTaskWorkers: number;
  };
  readonly processes: {
    readonly total: number;
    readonly ready: number;
    readonly restarts: number;
    readonly failures: number;
  };
}

export interface ProcessReport {
  readonly name: string;
  readonly role: string;
  readonly pid: number | null;
  readonly state: 'starting' | 'ready' | 'hanging' | 'stopped' | 'down' | 'leaving';
  readonly uptimeMs: number | null;
  readonly cpuPercent: number | null;
  readonly memory: number | null;
  readonly loopDelayMs: number | null;
  readonly loopDelayP99Ms: number | null;
  readonly restarts: number | null;
  readonly failures: number | null;
  readonly lastFailure: string | null;
  readonly connections: number | null;
  readonly messages: number | null;
  readonly tasksRunning: number | null;
}

export interface Listener {
  readonly index: number;
  readonly type: 'stream' | 'datagram';
  readonly host: string | null;
  readonly port: number | null;
  readonly path: string | null;
  readonly protocol: string | null;
  readonly tls: boolean;
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
}

export interface ConnectionPage {
  readonly at: number;
  readonly open: number;
  readonly connections: readonly Connection[];
  readonly next: number | null;
}

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

export interface TaskWorkerReport {
  readonly process: string;
  readonly task: string | null;
  readonly since: number | null;
}

export interface TasksReport {
  readonly at: number;
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

/** A step of a message of a session that is traced. */
export interface TraceStep {
  readonly type: 'step';
  readonly step: string;
  readonly at: number;
  readonly process: string;
  readonly pid: number;
  readonly message: number | null;
  readonly request: number | null;
  readonly kind: string | null;
  readonly bytes: number;
  readonly to: string | null;
  readonly from: string | null;
  readonly queuedBytes: number | null;
  readonly sinceUs: number | null;
  readonly totalUs: number | null;
  readonly reason: string | null;
}

export interface TraceSession {
  readonly type: 'session';
  readonly mode: string;
  readonly connection: Connection;
}

/** What `/v1/sessions/ID/trace` tells. */
export type TraceEvent =
  | TraceSession
  | TraceStep
  | { readonly type: 'missed'; readonly steps: number }
  | { readonly type: 'end'; readonly outcome: 'closed' | 'stopped'; readonly reason: string | null };

/** A request waits for a process that does nothing. */
export interface HeldLine {
  readonly type: 'held';
  readonly process: string;
  readonly pid: number;
  readonly state: 'stopped' | 'hanging';
  readonly advice: string;
}

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

/** A line of what `/v1/scale` answers. */
export type ScaleLine =
  | { readonly type: 'started'; readonly workers: number; readonly taskWorkers: number }
  | { readonly type: 'ready' | 'ended'; readonly process: string; readonly pid: number }
  | HeldLine
  | { readonly type: 'waiting'; readonly seconds: number }
  | {
      readonly type: 'done';
      readonly outcome: 'scaled' | 'failed' | 'stopped' | 'requested';
      readonly workers: number | null;
      readonly taskWorkers: number | null;
      readonly advice: string | null;
    };
