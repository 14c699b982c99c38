/** What the task processes of a host load: the user's tasks, behind bodies as the engine carries them. */
import { defineTasks, type TaskContext, TaskError } from '@millrace/task-pool';
import { isStream, type Stream, type TaskHandler, tasksOfModule } from '@millrace/task-pool/internal';
import { Bodies, type LargeValueStore } from '../wire/bodies.js';
import { RemoteContext } from './remote-context.js';
import type { TaskCall } from './task-call.js';

const { searchParams } = new URL(import.meta.url);
const url = searchParams.get('tasks') as string;
const module = (await import(url)) as Record<string, unknown>;
const handlers = tasksOfModule(url, module);
const bodies = new Bodies({
  limit: Number(searchParams.get('limit')),
  store: module.largeValues as LargeValueStore | undefined,
});

/** Under the names of the user's, so that what is said of a process that dies names the task that it ran. */
export const tasks = defineTasks(Object.fromEntries(Object.keys(handlers).map((name) => [name, answer])));

function answer(call: TaskCall, local: TaskContext): Promise<Uint8Array> | AsyncGenerator<Uint8Array> {
  return call.stream ? stream(call, local) : run(call, local);
}

/** One result. What the handler throws is an answer like another. */
async function run(call: TaskCall, local: TaskContext): Promise<Uint8Array> {
  try {
    const result = await begin(call, local);
    if (isStream(result)) {
      await close(result);
      const message = `Task '${call.name}' gives several results: ask for it with stream(), not with run().`;
      throw new TaskError('ERR_MILLRACE_TASK_STREAM', message);
    }
    return await bodies.value(call.silent ? undefined : result);
  } catch (error) {
    return bodies.thrown(error);
  }
}

/** Several results, and in the end what was thrown. */
async function* stream(call: TaskCall, local: TaskContext): AsyncGenerator<Uint8Array> {
  try {
    const result = await begin(call, local);
    if (isStream(result))
      for await (const item of result as AsyncIterable<unknown>) yield await bodies.value(item);
    else if (result !== undefined) yield await bodies.value(result);
  } catch (error) {
    yield await bodies.thrown(error);
  }
}

async function begin(call: TaskCall, local: TaskContext): Promise<unknown> {
  const answer = await bodies.decode(call.body);
  if ('thrown' in answer) throw answer.thrown;
  const handler = handlers[call.name] as TaskHandler;
  return handler(answer.value, new RemoteContext(call, local, bodies) as never);
}

async function close(stream: Stream): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]?.() ?? stream[Symbol.iterator]?.();
  await iterator?.return?.();
}
