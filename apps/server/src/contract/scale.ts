import { optionNames } from '@millrace/channel';

/** What `server.scale` is asked for; what is not named stays as it is. */
export interface ScaleOptions {
  /** Workers, from 1 up to `maxWorkerNum`. */
  readonly workers?: number | undefined;
  /** Task workers, from 1 up to `maxTaskWorkerNum`. */
  readonly taskWorkers?: number | undefined;
}

export const SCALE_OPTIONS = optionNames<ScaleOptions>({ workers: true, taskWorkers: true });

interface Size {
  /** How many there are now. */
  readonly workers: number;
  readonly taskWorkers: number;
}

/** What came of it. */
export type ScaleResult =
  /** There are as many as were asked for. Requests that wait for the same one are carried out together, where each names what it changes. */
  | ({ readonly outcome: 'scaled' } & Size)
  /**
   * The server is as large as it says here; `advice` says to an operator what has happened and what there is to do. So it is of a request that
   * waited until a later one asked for another number of the same processes.
   */
  | ({ readonly outcome: 'failed'; readonly advice: string } & Size)
  /** The server is being stopped. */
  | ({ readonly outcome: 'stopped' } & Size)
  /** Asked for in a process that may have ended before there is a result: the log tells. */
  | { readonly outcome: 'requested' };

/** Whether it can be a size at all; what is too many, the server says that is asked. */
export const isScaleOptions = (value: unknown): value is ScaleOptions => {
  if (typeof value !== 'object' || value === null) return false;
  const { workers, taskWorkers } = value as Record<string, unknown>;
  const isSize = (size: unknown) =>
    size === undefined || size === null || (Number.isSafeInteger(size) && (size as number) >= 1);
  return isSize(workers) && isSize(taskWorkers);
};
