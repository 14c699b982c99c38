import type { TaskContext } from './task-runner.js';

/**
 * The tasks of a pool or a server, by name. The value's type is the handler's own: `(image: Buffer) => …`.
 *
 * `never` stands for "whatever this handler takes": every function of one value is one of these.
 */
export type Tasks = Readonly<Record<string, (value: never, context: TaskContext) => unknown>>;

/** What task `Name` takes. */
export type TaskValue<T extends Tasks, Name extends keyof T> =
  Parameters<T[Name]> extends [infer Value, ...unknown[]] ? Value : undefined;

/** What the promise of task `Name` gives. */
export type TaskResult<T extends Tasks, Name extends keyof T> = Awaited<ReturnType<T[Name]>>;

/** Declares tasks: checks that each is a function of one value, and keeps their types for whoever runs them. */
export function defineTasks<const T extends Tasks>(tasks: T): T {
  return tasks;
}
