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
/** Milliseconds that the thread has to write what is there at the end. */
const END_MS = 1_000;

/**
 * What the processes below write to their standard streams, in the master: a thread reads it and writes it to the log. Each process makes the
 * pipes itself when it has its role, so their ends outlive the manager.
 */
export class ProgramOutput {
  /** For every process. */
  readonly descriptors: Descriptors;
  readonly #socket: number;
  readonly #thread: Worker;
  readonly #ended: Promise<void>;
  #isOver = false;

  constructor({ options, processLog, log }: RoleContext, topology: Topology, ring: number) {
    const { logFile: file, logFormat: format, outputLimit: limit } = options;
    const { from, to } = outputSockets();
    this.#socket = from;
    const output = check(syscalls.duplicate(1), 'fcntl');
    const error = check(syscalls.duplicate(2), 'fcntl');
    this.descriptors = { [OUTPUT_PIPES]: to, [STANDARD_OUTPUT]: output, [STANDARD_ERROR]: error };
    const own = userIdOf(options);
    const data: OutputThreadData = {
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
    this.#thread = new Worker(OUTPUT_THREAD, {
      workerData: data,
      name: 'output',
      // It closes descriptors that came from other processes.
      trackUnmanagedFds: false,
    });
    this.#thread.unref();
    this.#thread.on('message', (message: FromOutputThread) => {
      if (message !== 'ended') processLog.leftOut(message.lost);
    });
    this.#ended = new Promise((resolve) => {
      this.#thread.once('exit', () => {
        if (!this.#isOver) log.error('what processes write to their standard streams is not read any more');
        // Who writes there from now on is told that nothing reads, and does not wait.
        resolve();
      });
    });
    this.#thread.once('error', (cause) =>
      log.error({ err: cause }, 'the thread that reads the output of processes has failed'),
    );
  }

  reopenLog(): void {
    this.#thread.postMessage('reopen' satisfies ToOutputThread);
  }

  /** Ends it when everything is written that processes have written by now; idempotent. */
  async close(): Promise<void> {
    if (this.#isOver) return this.#ended;
    this.#isOver = true;
    this.#thread.ref();
    this.#thread.postMessage('end' satisfies ToOutputThread);
    const alarm = new Alarm(END_MS, () => void this.#thread.terminate());
    await this.#ended;
    alarm.cancel();
    for (const fd of [this.#socket, ...Object.values(this.descriptors)]) closeSync(fd);
  }
}
