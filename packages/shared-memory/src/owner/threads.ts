import { livenessOf, livenessOfPid } from '@millrace/native';
import { pidNamespace, thisThread } from '@millrace/native/internal';

/** What tells one thread from every other that its pid namespace has had or will have since the machine was started. */
export interface ThreadIdentity {
  readonly pid: number;
  /** The kernel's thread id; that of a main thread is its pid. */
  readonly tid: number;
  /** Clock ticks from the start of the machine to that of the thread. */
  readonly start: number;
}

/** The identity of this thread, and whether others live: a seam, so that tests can play several threads, dead ones too. */
export interface Threads {
  readonly self: () => ThreadIdentity;
  /** The pid namespace that the ids are of. */
  readonly namespace: () => number;
  /** False only when the thread has ended for certain, be it as a zombie that its parent has not reaped. */
  readonly isAlive: (thread: ThreadIdentity) => boolean;
  /** False only when certainly no thread has this id now. */
  readonly exists: (tid: number) => boolean;
}

/** The threads of this pid namespace, as /proc shows them. A hidden one counts as alive: nothing is taken from it. */
export const procThreads: Threads = {
  self: thisThread,
  namespace: pidNamespace,
  isAlive: (thread) => livenessOf({ ...thread, namespace: pidNamespace() }) !== 'dead',
  exists: (tid) => livenessOfPid(tid) !== 'dead',
};
