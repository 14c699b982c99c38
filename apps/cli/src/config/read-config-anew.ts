import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ConfigError } from './config-error.js';

type Read = { readonly text?: string } | { readonly failure: string };

/**
 * As the file is now, and what it imports. A process keeps each module that it has loaded, so one that lives as long as the manager reads
 * in a thread that has loaded none.
 */
export async function readConfigAnew(file: string): Promise<unknown> {
  const thread = new Worker(new URL('./config-thread.js', import.meta.url), { workerData: file });
  const ended = new AbortController();
  thread.once('exit', () =>
    ended.abort(new ConfigError(file, 'what it runs has ended the thread that reads it.')),
  );
  try {
    const [read] = (await once(thread, 'message', { signal: ended.signal })) as [Read];
    if ('failure' in read) throw new ConfigError(file, read.failure);
    return read.text === undefined ? undefined : JSON.parse(read.text);
  } finally {
    await thread.terminate();
  }
}
