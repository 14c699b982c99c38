/** The tasks that the checks of a pool over an engine run. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTasks, type TaskContext } from '@millrace/task-pool';

class HttpError extends RangeError {
  readonly status: number;
  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

export const tasks = defineTasks({
  echo: (value: unknown) => value,
  double: (n: number) => n * 2,
  pid: () => process.pid,
  fail: (status: number) => {
    throw Object.assign(new HttpError(status), { at: [1], cause: new TypeError('because') });
  },
  throwText: () => {
    throw 'text';
  },
  unsendable: () => () => {},
  repeat: (length: number) => Buffer.alloc(length, 7),
  failAtLength: (length: number) => {
    throw new RangeError('x'.repeat(length));
  },
  context: (_: undefined, { id, attempt }: TaskContext) => ({ id, attempt }),
  block: (ms: number) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return process.pid;
  },
  /** Notes each run, and waits until a file is there. */
  gate: async ({ begun, open }: { begun: string; open: string }) => {
    appendFileSync(begun, `${process.pid}\n`);
    while (!existsSync(open)) await sleep(5);
    return process.pid;
  },
  note: ({ file, text }: { file: string; text: string }) => {
    appendFileSync(file, text);
  },
  die: (how: 'exit' | 'kill') => {
    if (how === 'exit') process.exit(7);
    process.kill(process.pid, 'SIGKILL');
    for (;;);
  },
  /** Dies in the first attempts, and says in which it did not. */
  dieUntil: (last: number, { attempt }: TaskContext) => {
    if (attempt < last) process.exit(9);
    return attempt;
  },
  uncaught: async () => {
    setImmediate(() => {
      throw new HttpError(501);
    });
    await new Promise(() => {});
  },
  untilAborted: async (file: string, { signal }: TaskContext) => {
    writeFileSync(`${file}.begun`, '');
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    writeFileSync(file, (signal.reason as Error).name);
  },
  /** Hears nothing. */
  deaf: (file: string) => {
    writeFileSync(file, String(process.pid));
    for (;;);
  },
  progress: async (steps: number, { progress }: TaskContext<number>) => {
    for (let i = 1; i <= steps; i++) progress(i);
    return 'done';
  },
  count: async function* (to: number) {
    for (let i = 1; i <= to; i++) yield i;
  },
  breaks: async function* (after: number) {
    for (let i = 0; i < after; i++) yield i;
    throw new HttpError(503);
  },
  /** Dies after some results, in the first attempt. */
  diesAfter: async function* (after: number, { attempt }: TaskContext) {
    for (let i = 0; i < after; i++) yield i;
    await sleep(200);
    if (attempt === 1) process.exit(5);
    yield 'second attempt';
  },
  endless: async function* (file: string) {
    try {
      for (let i = 0; ; i++) {
        writeFileSync(file, String(i));
        yield i;
      }
    } finally {
      writeFileSync(`${file}.ended`, '');
    }
  },
});
