import { type TaskContext, TaskError } from '@millrace/task-pool';
import { isStream, type Stream, type TaskHandler } from '@millrace/task-pool/internal';
import type { Bodies } from '../wire/bodies.js';
import { type ContextParts, RemoteContext } from './remote-context.js';
import type { TaskCall } from './task-call.js';

type Answering = (call: TaskCall, local: TaskContext) => Promise<Uint8Array> | AsyncGenerator<Uint8Array>;

/** How a task process answers its host: with bodies, of which a result is one and what was thrown is another. */
export function answering(
  find: (name: string) => TaskHandler,
  bodies: Bodies,
  context: ContextParts,
): Answering {
  return (call, local) => (call.stream ? stream(call, local) : run(call, local));

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
    return find(call.name)(answer.value, new RemoteContext(call, local, bodies, context) as never);
  }
}

async function close(stream: Stream): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]?.() ?? stream[Symbol.iterator]?.();
  await iterator?.return?.();
}
