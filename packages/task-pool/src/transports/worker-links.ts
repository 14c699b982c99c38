import type { FindDescriptor, LinkEnd } from '@millrace/process-pool/links';
import { ClaimTable } from '../claims/claim-table.js';
import type { TaskMessage } from '../wire/task-message.js';
import {
  CLAIMS,
  DOORBELL_OPTIONS,
  endOptions,
  type LargeValues,
  linkKind,
  planLinks,
  TASKS,
  type TaskTransportName,
  WORKER,
} from './plan.js';

export interface WorkerLinksOptions {
  readonly transport: TaskTransportName;
  readonly worker: number;
  /** How many the pool has. */
  readonly workers: number;
  readonly values: LargeValues;
  /** The pool's data is corrupt; nothing more is read or sent. */
  readonly onCorrupt: (error: Error) => void;
}

/** A worker's side of what it shares with its pool; of one process at a time. */
export interface WorkerLinks {
  readonly end: LinkEnd<TaskMessage>;
  readonly claims: ClaimTable;
}

export function openWorkerLinks(
  find: FindDescriptor,
  { transport, worker, workers, values, onCorrupt }: WorkerLinksOptions,
): WorkerLinks {
  const mine = planLinks(transport, workers).open(WORKER, worker, find);
  const listener = linkKind(transport) === 'ring' ? mine.listen(undefined, DOORBELL_OPTIONS) : undefined;
  const end = mine.end<TaskMessage>(TASKS, 0, { ...endOptions(transport, values, onCorrupt), listener });
  return { end, claims: new ClaimTable(mine.memory(CLAIMS)) };
}
