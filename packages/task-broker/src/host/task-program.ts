/** What the task processes of a host load: the user's tasks, behind bodies as the engine carries them. */
import { defineTasks } from '@millrace/task-pool';
import { type TaskHandler, tasksOfModule } from '@millrace/task-pool/internal';
import { Bodies, type LargeValueStore } from '../wire/bodies.js';
import { answering } from './answering.js';

const { searchParams } = new URL(import.meta.url);
const url = searchParams.get('tasks') as string;
const module = (await import(url)) as Record<string, unknown>;
const handlers = tasksOfModule(url, module);
const bodies = new Bodies({
  limit: Number(searchParams.get('limit')),
  store: module.largeValues as LargeValueStore | undefined,
});

// No handler of a server listens behind an engine, as none does in a pool: the value is checked and goes no further.
const context = { source: 0, finish: (value: unknown) => void bodies.small(value) };
const answer = answering((name) => handlers[name] as TaskHandler, bodies, context);

/** Under the names of the user's, so that what is said of a process that dies names the task that it ran. */
export const tasks = defineTasks(Object.fromEntries(Object.keys(handlers).map((name) => [name, answer])));
