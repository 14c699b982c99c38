/**
 * What the thread of the master runs that reads what the processes of the server write to their standard streams, and writes it to the
 * log, a line each, with its origin. A thread of its own: a flood keeps neither the loop of the master busy nor a process waiting.
 */
import { closeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { NodePoller } from '@millrace/native';
import { EAGAIN, EINTR, MAX_RIGHTS, syscalls } from '@millrace/native/syscalls';
import { openLogRing } from '../links/shared-resources.js';
import { ProcessLog } from './log.js';
import { nameOf } from './origin.js';
import { LineCutter, logLineOf, OutputLimit } from './output-lines.js';
import { type HandedPipes, STREAMS, type StreamName } from './output-pipes.js';
import type { FromOutputThread, OutputThreadData, ToOutputThread } from './output-thread-messages.js';

const CHUNK_BYTES = 1 << 16;
/** Reads in a row of one pipe, until it is the turn of the others. */
const MOST_READS = 8;
const SWEEP_MS = 250;
/** At the end, until what waits for the reader of the log is written. */
const LAST_LOOK_MS = 5;
const MOST_LAST_LOOKS = 100;

if (parentPort === null) throw new Error('This module is run by a master, and by nothing else.');
const port = parentPort;
const { socket, ring, most, limit, log: options } = workerData as OutputThreadData;
const log = new ProcessLog({ ...options, level: 'info' });
log.keepIn(openLogRing(ring));
const tell = (message: FromOutputThread) => port.postMessage(message);
log.countBy((lines) => {
  tell({ lost: lines });
  return 0;
});
if (options.file !== undefined) log.reopen();
const poller = new NodePoller();
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
const pipes = new Set<Pipe>();

/** A stream of one process, from when that has taken its role until all have closed it that inherited it. */
class Pipe {
  readonly #fd: number;
  readonly #process: HandedPipes;
  readonly #stream: StreamName;
  readonly #limit: OutputLimit;
  readonly #cutter = new LineCutter();
  readonly #watch;

  constructor(fd: number, process: HandedPipes, stream: StreamName, limit: OutputLimit) {
    this.#fd = fd;
    this.#process = process;
    this.#stream = stream;
    this.#limit = limit;
    syscalls.setNonBlocking(fd, 1);
    this.#watch = poller.add(fd, () => this.#readable());
    this.#watch.update({ read: true, write: false });
    pipes.add(this);
  }

  /** Who writes is not to wait for a thread that has failed at what came. */
  #readable(): void {
    try {
      this.read(MOST_READS);
    } catch (error) {
      log.log.error({ err: error }, `what ${nameOf(this.#process)} writes is not read any more`);
      this.#end();
    }
  }

  /** Reads what is there; whether there may be more. */
  read(most: number): boolean {
    for (let i = 0; i < most; i++) {
      const count = syscalls.read(this.#fd, chunk, 0, CHUNK_BYTES);
      if (count === -EINTR) continue;
      if (count === -EAGAIN) return false;
      if (count <= 0) {
        this.#end();
        return false;
      }
      const now = performance.now();
      for (const line of this.#cutter.cut(chunk.subarray(0, count), now)) this.#write(line, now);
    }
    return true;
  }

  /** What a line of waits whose end does not come, and how many were left out. */
  sweep(isEnd = false): void {
    const now = performance.now();
    const rest = this.#cutter.rest(now, isEnd);
    if (rest !== undefined) this.#write(rest, now);
    const lines = this.#limit.leftOut(now, isEnd);
    if (lines === 0) return;
    tell({ lost: lines });
    const { role, id, pid } = this.#process;
    const text = `${lines} more lines that ${nameOf(this.#process)} has written are left out: outputLimit is ${limit} in a second`;
    const about = { role, ...(id !== undefined && { id }), pid };
    log.writeLine(
      `${JSON.stringify({ level: 'warn', time: Date.now(), ...about, leftOut: lines, msg: text })}\n`,
    );
  }

  #write(line: string, now: number): void {
    if (this.#limit.take(line.length, now))
      log.writeLine(`${logLineOf(line, this.#process, this.#stream)}\n`);
  }

  #end(): void {
    if (!pipes.delete(this)) return;
    this.sweep(true);
    this.#watch.close();
    closeSync(this.#fd);
  }
}

/** Takes the pipes of a process that has come up. */
function take(): void {
  const rights = new Int32Array(1 + MAX_RIGHTS);
  const bytes = Buffer.alloc(4_096);
  for (;;) {
    const length = syscalls.receiveRights(socket, bytes, bytes.length, new Uint8Array(rights.buffer));
    const files = rights.subarray(1, 1 + (rights[0] as number));
    if (length === -EINTR) continue;
    if (length === -EAGAIN || length === 0) return;
    const process = length > 0 ? handed(bytes.toString('utf8', 0, length)) : undefined;
    if (process === undefined || files.length !== STREAMS.length || pipes.size >= most)
      for (const fd of files) closeSync(fd);
    else {
      const shared = new OutputLimit(limit);
      for (const [at, fd] of files.entries()) new Pipe(fd, process, STREAMS[at] as StreamName, shared);
    }
    if (length < 0) return;
    rights[0] = 0;
  }
}

/** Any process of the server may send anything. */
function handed(text: string): HandedPipes | undefined {
  try {
    const { role, id, pid } = JSON.parse(text) as HandedPipes;
    if (typeof role !== 'string' || !Number.isSafeInteger(pid)) return undefined;
    return Number.isSafeInteger(id) ? { role, id: id as number, pid } : { role, pid };
  } catch {
    return undefined;
  }
}

const arrivals = poller.add(socket, take);
arrivals.update({ read: true, write: false });
const sweeps = setInterval(() => {
  for (const pipe of pipes) pipe.sweep();
}, SWEEP_MS);

port.on('message', (message: ToOutputThread) => {
  if (message === 'reopen') return void log.reopen();
  // The end: what is there is still read, but a process that some program has left behind is not waited for.
  take();
  for (const pipe of pipes) {
    for (let i = 0; i < 64 && pipe.read(1); i++);
    pipe.sweep(true);
  }
  clearInterval(sweeps);
  arrivals.close();
  let looks = 0;
  const last = setInterval(() => {
    // What reads the log may be busy; it is not waited for without end.
    if (!log.flush() && ++looks < MOST_LAST_LOOKS) return;
    clearInterval(last);
    tell('ended');
    port.close();
    process.exit();
  }, LAST_LOOK_MS);
});
