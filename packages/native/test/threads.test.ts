import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads');
  Promise.all(workerData.modules.map((module) => import(module))).then((modules) => {
    const { createMemory, MappedMemory, NodePoller, syscalls } = Object.assign({}, ...modules);
    const memory = new MappedMemory(createMemory('thread', 4096), 4096);
    const eventfd = syscalls.eventfd();
    const registration = new NodePoller().add(eventfd, () => {
      syscalls.eventfdDrain(eventfd);
      new Int32Array(memory.buffer)[0] = 42;
      parentPort.postMessage(new Int32Array(memory.buffer)[0]);
      // The thread ends with the watcher open and the memory mapped.
      if (workerData.exit) process.exit();
      registration.close();
    });
    registration.update({ read: true, write: false });
    syscalls.eventfdSignal(eventfd);
  });
`;

test.each([false, true])(
  'several threads load the addon at once, use it and end (abruptly: %s)',
  async (exit) => {
    const modules = ['index', 'syscalls'].map((name) => new URL(`../dist/${name}.js`, import.meta.url).href);
    const threads = Array.from(
      { length: 4 },
      () => new Worker(PROGRAM, { eval: true, workerData: { modules, exit } }),
    );
    const ended = threads.map((thread) => {
      const messages: unknown[] = [];
      thread.on('message', (message) => messages.push(message));
      return new Promise((resolve, reject) => {
        thread.once('error', reject);
        thread.once('exit', (code) => resolve({ code, messages }));
      });
    });
    expect(await Promise.all(ended)).toEqual(threads.map(() => ({ code: 0, messages: [42] })));
  },
);
