import type { Job } from '@millrace/task-pool/internal';
import type { EngineTask } from '../engine/task.js';

/** A task on its way: from the call until the caller has its answer. */
export class Awaited {
  readonly job: Job;
  /** Its id in the engine; changes when it is enqueued anew, or joins another task of its `idempotencyKey`. */
  id: string;
  task: EngineTask | undefined;
  /** `encoding`: its value is being stored; `waiting`: for the connection; `sent`: the engine has not acknowledged it yet. */
  state: 'encoding' | 'waiting' | 'sent' | 'accepted' = 'encoding';
  /** It is another caller's task, or an earlier one: nobody sends its answer here. */
  joined = false;
  /** When something was last heard of it: of what was heard just now nothing is looked up. */
  heardAt: number;
  /** The attempt whose results the caller of a stream has seen, and how many of them. */
  attempt = 0;
  items = 0;
  /** How many the caller had when the engine last said that the stream is over. */
  itemsAtLastLook = -1;
  /** Its caller has given it up, perhaps before the engine had it. */
  givenUp = false;
  /** The host that runs the stream, and how many results it may send in all. */
  host = '';
  credit: number;
  /** Attempts that copies of it have had which the engine lost. */
  earlierAttempts = 0;
  /** Answers that are fetched from a store are given in their order. */
  decoding: Promise<void> | undefined;

  constructor(job: Job, id: string, credit: number) {
    this.job = job;
    this.id = id;
    this.credit = credit;
    this.heardAt = performance.now();
  }
}
