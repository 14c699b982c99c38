import type { Thrown } from './thrown.js';

/** Messages between those who ask for tasks and task workers. Arrays, for they are the shortest MessagePack. */

/** id, owner's incarnation, name (empty: the task worker's one unnamed handler), value */
export type TaskRequest = [id: number, owner: number, name: string, value: unknown];

/** id, owner's incarnation as in the request, whether it succeeded, the result or what was thrown */
export type TaskReply =
  | [id: number, owner: number, ok: true, value: unknown]
  | [id: number, owner: number, ok: false, thrown: Thrown];
