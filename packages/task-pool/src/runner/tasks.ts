import type { TaskContext } from './running-task.js';

/**
 * The tasks of a pool or a server, by name. The value's type is the handler's own: `(image: Buffer) => …`.
 *
 * `never` stands for "whatever this handler takes": every function of one value is one of these.
 */
export type Tasks = Readonly<Record<string, (value: never, context: TaskContext) => unknown>>;

/** What task `Name` takes. */
export type TaskValue<T extends Tasks, Name extends keyof T> =
  Parameters<T[Name]> extends [infer Value, ...unknown[]] ? Value : undefined;

/** The names of tasks that give one result, and of those that give several. */
export type RunName<T extends Tasks> = Exclude<keyof T & string, StreamName<T>>;
export type StreamName<T extends Tasks> = {
  [Name in keyof T & string]: [TaskItem<T, Name>] extends [never] ? never : Name;
}[keyof T & string];

/** One of the results of task `Name`, which gives several. */
export type TaskItem<T extends Tasks, Name extends keyof T> = ItemOf<Awaited<ReturnType<T[Name]>>>;

/** Of a handler that only throws there is nothing: `never` is none of its members. */
type ItemOf<Result> = Result extends AsyncIterable<infer Item> | Generator<infer Item, unknown, never>
  ? Item
  : never;

/** The tasks of a module: its export `tasks`, or its default one. Of a module that exports functions one by one there are none. */
export type TasksOf<Module> = Module extends { readonly tasks: infer T extends Tasks }
  ? T
  : Module extends { readonly default: infer T extends Tasks }
    ? T
    : Readonly<Record<never, never>>;

/** What task `Name` reports, as its handler says of its context: `(value: string, { progress }: TaskContext<number>) => …`. */
export type TaskReport<T extends Tasks, Name extends keyof T> =
  Parameters<T[Name]> extends [unknown, TaskContext<infer Report>, ...unknown[]] ? Report : unknown;

/** What the promise of task `Name` gives. */
export type TaskResult<T extends Tasks, Name extends keyof T> = Awaited<ReturnType<T[Name]>>;

/** Declares tasks: checks that each is a function of one value, and keeps their types for the caller. */
export function defineTasks<const T extends Tasks>(tasks: T): T {
  return tasks;
}
