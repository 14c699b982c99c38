/** What {@link readConfigAnew} runs: a thread of its own for each time. */
import { parentPort, workerData } from 'node:worker_threads';
import { readConfig } from './read-config.js';

try {
  // As it is handed to the processes of a server at the start.
  parentPort?.postMessage({ text: JSON.stringify(await readConfig(workerData as string)) });
} catch (error) {
  // Who reads it names the file.
  parentPort?.postMessage({ failure: (error as Error).message.replace(`${workerData}: `, '') });
}
