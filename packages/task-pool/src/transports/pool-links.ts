import { closeDescriptors, type Descriptors, findIn, type LinkEnd } from '@millrace/process-pool/links';
import type { DoorbellListener } from '@millrace/shared-memory/internal';
import { ClaimTable } from '../claims/claim-table.js';
import type { TaskMessage } from '../wire/task-message.js';
import {
  CLAIMS,
  DOORBELL_OPTIONS,
  endOptions,
  type LargeValues,
  linkKind,
  POOL,
  planLinks,
  TASKS,
  type TaskTransportName,
  WORKER,
} from './plan.js';

/** The pool's side of all that it shares with its workers. */
export interface PoolLinks {
  /** To each worker, by its number. */
  readonly ends: readonly LinkEnd<TaskMessage>[];
  readonly claims: ClaimTable;
  /** What a worker inherits. */
  descriptors(worker: number): Descriptors;
  /** Whether it keeps the loop of this process alive. Default: it does. */
  keepLoop(on: boolean): void;
  close(): void;
}

/** `onCorrupt`: a worker's data is corrupt; nothing is read from it or sent to it until its end is reset. */
export function createPoolLinks(
  transport: TaskTransportName,
  workers: number,
  values: LargeValues,
  onCorrupt: (worker: number, error: Error) => void,
): PoolLinks {
  const links = planLinks(transport, workers);
  const made = links.create();
  const mine = links.open(POOL, 0, findIn(made));
  const ends: LinkEnd<TaskMessage>[] = [];
  let listener: DoorbellListener | undefined;
  const close = () => {
    for (const { channel } of ends) channel.destroy();
    listener?.close();
    mine.close();
    closeDescriptors(made);
  };
  try {
    if (linkKind(transport) === 'ring') listener = mine.listen(undefined, DOORBELL_OPTIONS);
    for (let worker = 0; worker < workers; worker++) {
      const options = endOptions(transport, values, (error) => onCorrupt(worker, error));
      ends.push(mine.end(TASKS, worker, { ...options, listener, borrowed: true }));
    }
    return {
      ends,
      claims: new ClaimTable(mine.memory(CLAIMS)),
      descriptors: (worker) => links.handedTo(WORKER, worker, made),
      keepLoop(on) {
        const keepers = listener ? [listener] : ends.map(({ channel }) => channel);
        for (const keeper of keepers) on ? keeper.ref() : keeper.unref();
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
