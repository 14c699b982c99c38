/**
 * Messages one way between two processes over a System V queue as it is: `node queue-run.js SIZE WINDOW_MS`. Prints how
 * many the other side received in a second.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SystemVQueue } from '@millrace/msg-queue';

/** Messages between two readings of the clock. */
const AT_ONCE = 16;
const ROUNDS = 2;

const [sizeText, windowText, id] = process.argv.slice(2) as [string, string, string?];

/** Counts up to each message that begins with a 1, and says how many there were. */
async function receive(queue: SystemVQueue): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (let count = 1, last = false; !last; count++) {
      const taken = queue.tryReceive();
      const { data } = taken === 'empty' ? await queue.receive() : taken;
      last = data[0] === 1;
      if (last) process.send?.(count);
    }
  }
}

async function send(queue: SystemVQueue, windowMs: number, counted: () => Promise<number>): Promise<number> {
  const message = Buffer.alloc(Number(sizeText));
  const start = performance.now();
  while (performance.now() - start < windowMs) {
    for (let i = 0; i < AT_ONCE; i++) if (queue.trySend(message) === 'full') await queue.send(message);
  }
  const report = counted();
  await queue.send(Buffer.alloc(Number(sizeText), 1));
  return (await report) / ((performance.now() - start) / 1_000);
}

if (id === undefined) {
  const queue = SystemVQueue.createPrivate();
  let rate: number;
  try {
    const child = fork(fileURLToPath(import.meta.url), [sizeText, windowText, String(queue.id)]);
    const counted = async () => Number((await once(child, 'message'))[0]);
    await send(queue, Number(windowText), counted);
    rate = await send(queue, Number(windowText), counted);
    child.disconnect();
  } finally {
    queue.free();
  }
  // After that: the program that reads it ends this process.
  console.log(JSON.stringify({ rate }));
} else {
  await receive(SystemVQueue.attach(Number(id)));
}
process.exit();
