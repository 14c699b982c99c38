import { closeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Alarm } from '@millrace/channel/internal';
import { check, syscalls } from '@millrace/native/syscalls';
import { OUTPUT_THREAD } from '../constants.js';
import type { Descriptors } from '../links/descriptor-names.js';
import { peersOf, type Topology } from '../links/topology.js';
import { originOf } from '../log/origin.js';
import { OUTPUT_PIPES, outputSockets, STANDARD_ERROR, STANDARD_OUTPUT } from '../log/output-pipes.js';
import type { FromOutputThread, OutputThreadData, ToOutputThread } from '../log/output-thread-messages.js';
import { userIdOf } from '../options/user-id.js';
import type { RoleContext } from '../process/role-context.js';

/** A process has two, one that retires and those that it has left behind as well. */
const PIPES_PER_PROCESS = 16;
/** Milliseconds after which the thread begins in a start that takes longer. */
const LATEST_MS = 500;
/** Milliseconds that the thread has to write what is there at the end, and to come up before, where it has only just begun. */
const END_MS = 1_000;
const BEGIN_MS = 5_000;

/**
 * What the processes below write to their standard streams, in the master: a thread reads it and writes it to the log. Each process makes the
 * pipes itself when it has its role, so their ends outlive the manager. The thread begins when `clientsIn` is settled: it loads on a processor that
 * the workers are in want of, and until then what is written waits in the pipes.
 */
export class ProgramOutput {
  /** For every process. */
  readonly descriptors: Descriptors;
  readonly #socket: number;
  readonly #context: RoleContext;
  readonly #data: OutputThreadData;
  readonly #late: Alarm;
  #thread: Worker | undefined;
  #isOnline = false;
  #ended = Promise.resolve();
  #isOver = false;

  constructor(context: RoleContext, topology: Topology, ring: number, clientsIn: Promise<void>) {
    const { options } = context;
    const { logFile: file, logFormat: format, outputLimit: limit } = options;
    const { from, to } = outputSockets();
    this.#socket = from;
    const output = check(syscalls.duplicate(1), 'fcntl');
    const error = check(syscalls.duplicate(2), 'fcntl');
    this.descriptors = { [OUTPUT_PIPES]: to, [STANDARD_OUTPUT]: output, [STANDARD_ERROR]: error };
    const own = userIdOf(options);
    this.#context = context;
    this.#data = {
      socket: from,
      ring,
      most: PIPES_PER_PROCESS * peersOf(topology),
      limit,
      log: {
        origin: originOf('master', 0),
        file,
        format,
        trustedUsers: own === undefined ? [] : [own],
        standard: { output, error },
      },
    };
    this.#late = new Alarm(LATEST_MS, () => this.#begin()).unref();
    void clientsIn.then(() => this.#begin());
  }

  #begin(): void {
    this.#late.cancel();
    if (this.#thread !== undefined || this.#isOver) return;
    const { processLog, log } = this.#context;
    const thread = new Worker(OUTPUT_THREAD, {
      workerData: this.#data,
      name: 'output',
      // It closes descriptors that came from other processes.
      trackUnmanagedFds: false,
    });
    this.#thread = thread;
    thread.unref();
    thread.once('online', () => {
      this.#isOnline = true;
    });
    thread.on('message', (message: FromOutputThread) => {
      if (message !== 'ended') processLog.leftOut(message.lost);
    });
    this.#ended = new Promise((resolve) => {
      thread.once('exit', () => {
        if (!this.#isOver) log.error('what processes write to their standard streams is not read any more');
        // Who writes there from now on is told that nothing reads, and does not wait.
        resolve();
      });
    });
    thread.once('error', (cause) =>
      log.error({ err: cause }, 'the thread that reads the output of processes has failed'),
    );
  }

  /** A thread that has not begun opens the log as it is then. */
  reopenLog(): void {
    this.#thread?.postMessage('reopen' satisfies ToOutputThread);
  }

  /** Ends it when everything is written that processes have written by now; idempotent. */
  async close(): Promise<void> {
    if (this.#isOver) return this.#ended;
    // A start that failed has most to tell.
    this.#begin();
    this.#isOver = true;
    const thread = this.#thread as unknown as Worker;
    thread.ref();
    thread.postMessage('end' satisfies ToOutputThread);
    const alarm = new Alarm(this.#isOnline ? END_MS : BEGIN_MS, () => void thread.terminate());
    await this.#ended;
    alarm.cancel();
    for (const fd of [this.#socket, ...Object.values(this.descriptors)]) closeSync(fd);
  }
}
