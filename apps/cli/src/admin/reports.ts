import type { Connection } from '@millrace/dashboard/reports';

/** What is read of the answers of the admin interface, beside what its page reads as well; its OpenAPI document has all of it. */
export type {
  Connection,
  ConnectionPage,
  EngineReport,
  HeldLine,
  Listener,
  ProcessReport,
  QueueReport,
  ReloadLine,
  ScaleLine,
  Status,
  TableReport,
  TaskReport,
  TasksReport,
  TaskWorkerReport,
} from '@millrace/dashboard/reports';

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
