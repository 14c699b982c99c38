import { livenessOf, thisProcess as self } from '@millrace/native';

/** A process that cannot be taken for a later one with the same id: its id, and when it started, in clock ticks. */
export interface ProcessOwner {
  readonly pid: number;
  readonly startTime: string;
  /** The pid namespace that `pid` is a number of. */
  readonly namespace: number;
}

export function thisProcess(): ProcessOwner {
  const { pid, start, namespace } = self();
  return { pid, startTime: String(start), namespace };
}

/** False only when the process has certainly ended: one that is hidden, or of another pid namespace, counts as alive. */
export function isAlive({ pid, startTime, namespace }: ProcessOwner): boolean {
  return livenessOf({ pid, start: Number(startTime), namespace }) !== 'dead';
}
