/**
 * What the thread of the master runs that reads what the processes of the server write to their standard streams, and writes it to the
 * log, a line each, with its origin. A thread of its own: a flood keeps neither the loop of the master busy nor a process waiting.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { NodePoller } from '@millrace/native';
import { EAGAIN, EINTR, MAX_RIGHTS, syscalls } from '@millrace/native/syscalls';
import { openLogRing } from '../links/shared-resources.js';
import { LogLimit, ProcessLog } from './log.js';
import { nameOf } from './origin.js';
import { LineCutter, logLineOf, OutputLimit } from './output-lines.js';
import { type HandedPipes, STREAMS, type StreamName } from './output-pipes.js';
import type { FromOutputThread, OutputThreadData, ToOutputThread } from './output-thread-messages.js';

const CHUNK_BYTES = 1 << 16;
/** Reads in a row of one pipe, until it is the turn of the others. */
const MOST_READS = 8;
const SWEEP_MS = 250;
/** Processes that come up whose pipes are taken in a row, until it is the turn of what is written. */
const MOST_TAKEN = 64;
const ROLE = /^[a-z-]{1,32}$/;
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
const warnings = new LogLimit(log);
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

/** Takes the pipes of processes that have come up. */
function take(): void {
  const rights = new Int32Array(1 + MAX_RIGHTS);
  const bytes = Buffer.alloc(4_096);
  for (let taken = 0; taken < MOST_TAKEN; taken++) {
    rights[0] = 0;
    const length = syscalls.receiveRights(socket, bytes, bytes.length, new Uint8Array(rights.buffer));
    if (length === -EAGAIN) return;
    const files = rights.subarray(1, 1 + (rights[0] as number));
    const process = length > 0 ? handed(bytes.toString('utf8', 0, length)) : undefined;
    if (process !== undefined && files.length === STREAMS.length) add(process, files);
    for (const fd of files) closeSync(fd);
  }
}

function add(process: HandedPipes, files: Int32Array): void {
  if (pipes.size + STREAMS.length > most) {
    warnings.warn('outputPipes', `what ${nameOf(process)} writes is not read: it would be pipe ${most + 1}`);
    return;
  }
  const shared = new OutputLimit(limit);
  for (const [at, fd] of files.entries()) {
    const own = reopened(fd);
    if (own !== undefined) new Pipe(own, process, STREAMS[at] as StreamName, shared);
  }
}

/**
 * The same pipe, opened anew. Whether a descriptor blocks is known to all who share it: a process could make the one block that it has
 * handed over, and all others would wait for a thread that waits for it. Undefined: it is no pipe.
 */
function reopened(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isFIFO()) return undefined;
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    warnings.warn('outputPipe', 'a pipe cannot be opened, which a process writes to', { err: error });
    return undefined;
  }
}

/** Any process of the server may send anything. */
function handed(text: string): HandedPipes | undefined {
  try {
    const { role, id, pid } = JSON.parse(text) as HandedPipes;
    if (typeof role !== 'string' || !ROLE.test(role) || !Number.isSafeInteger(pid) || pid < 1)
      return undefined;
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
