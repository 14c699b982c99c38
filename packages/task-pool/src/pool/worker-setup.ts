import type { QueueBirth, TaskTransportName } from '../transports/transport.js';

/** The name of the descriptor of the claims. */
export const CLAIMS = 'claims';

/** What a pool tells its workers; JSON. */
export interface WorkerBirth {
  readonly worker: number;
  readonly workers: number;
  readonly concurrency: number;
  readonly transport: TaskTransportName;
  readonly queue: QueueBirth | undefined;
  /** Where large values go. */
  readonly spill: string;
  readonly valuesInMemory: boolean;
  /** Tasks after which it ends, to be replaced. */
  readonly maxTasks: number | undefined;
  /** Bytes of resident memory beyond which it ends, to be replaced. */
  readonly maxMemory: number | undefined;
}

/** What begins the names of files that one process of a worker's name writes. */
export function spillWriter(worker: number, incarnation: number): string {
  return `worker-${worker}-${incarnation}`;
}

/** What a worker says to its pool: what has come to it makes no sense. */
export interface CorruptMessage {
  readonly type: 'corrupt';
  readonly message: string;
}
