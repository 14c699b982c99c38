import { type Bytes, checkOptions, type TransportChannel, type WaitOptions } from '@millrace/channel';
import { WaitList } from '@millrace/channel/internal';
import { ProcessPoolError } from '../errors.js';
import { describeEnd, type Exit } from '../launch/exit.js';
import { MEMBER_OPTIONS, type MemberSpec } from '../launch/spec.js';
import type { Member } from '../member/member.js';
import type { ProcessPoolEvents } from '../pool/events.js';
import { ProcessPool } from '../pool/process-pool.js';
import { ProcessQueue, type ProcessQueueOptions } from '../system/process-queue.js';
import { getAffinity, setAffinity, setPriority } from '../system/scheduling.js';
import { type PipeKind, ProcessPipe } from './process-pipe.js';

export interface ManagedProcessOptions extends Omit<MemberSpec, 'name' | 'entry'> {
  /** What it is called, in logs and to itself. Default: its entry module. */
  readonly name?: string;
  /**
   * What goes over `write` and `read`: values (default), bytes, or with `'stdio'` what the process, or a program that
   * replaces it, reads from its standard input and prints.
   */
  readonly pipe?: PipeKind;
  readonly onMessage?: (body: unknown) => void;
  readonly onExit?: (exit: Exit, delay: number | undefined) => void;
}

/** How a process ended, in the form of `wait(2)`. */
export interface ProcessEnd {
  readonly pid: number;
  /** 0 when a signal ended it. */
  readonly code: number;
  /** null when none ended it. */
  readonly signal: NodeJS.Signals | null;
}

/** Of the process, and of the member that it is. */
const PROCESS_OPTIONS = new Set([...MEMBER_OPTIONS, 'pipe', 'onMessage', 'onExit']);

let nextId = 1;

/**
 * One supervised process of an entry module, and a pipe to it.
 *
 * Notes. Without `restart` it runs once. With it, the pipe belongs to the parent and outlives each process: what a dead
 * one had not read is read by the next. The process finds its own end with `inherit()`. It ends when its module has
 * nothing left to do, unlike a member of a pool; a listener for messages or for the stop keeps it alive.
 */
export class ManagedProcess<Out = unknown, In = unknown> implements AsyncDisposable {
  /** Counts the processes that this one has made, from 1. */
  readonly id = nextId++;
  readonly #pool: ProcessPool;
  readonly #member: Member;
  readonly #pipe: ProcessPipe<Out, In>;
  readonly #waiters = new WaitList<ProcessEnd>();
  readonly #readyWaiters = new WaitList<void>();
  #lastEnd: ProcessEnd | undefined;
  #queue: ProcessQueue | undefined;
  #queueIsPrivate = false;
  #started = false;
  #stopped = false;

  /** Makes the pipe; throws `SystemCallError` when descriptors have run out. */
  constructor(entry: string | URL, options: ManagedProcessOptions = {}) {
    checkOptions(options, PROCESS_OPTIONS, 'A ManagedProcess');
    const { pipe = 'values', onMessage, onExit, name = String(entry), ...rest } = options;
    this.#pipe = new ProcessPipe(pipe);
    const queue = () => this.#queue?.assignment;
    const spec: MemberSpec = {
      // It need not ever say that it is ready.
      startTimeout: Number.POSITIVE_INFINITY,
      endsByItself: true,
      restart: { when: 'never' },
      ...rest,
      ...(this.#pipe.stdio && { stdio: this.#pipe.stdio }),
      name,
      entry,
      descriptors: { ...rest.descriptors, ...this.#pipe.descriptors },
      // It may be given one until it is started.
      get queue() {
        return queue();
      },
    };
    const events: ProcessPoolEvents = {
      onReady: () => this.#readyWaiters.settleAll(undefined),
      onMessage: (_member, body) => onMessage?.(body),
      onExit: (_member, exit, delay) => {
        this.#ended(exit, delay);
        onExit?.(exit, delay);
      },
    };
    this.#pool = new ProcessPool([spec], events, { spares: 0 });
    this.#member = this.#pool.members[0] as Member;
  }

  get pid(): number | undefined {
    return this.#member.pid;
  }

  get state(): Member['state'] {
    return this.#member.state;
  }

  /** How many processes have been started. */
  get incarnation(): number {
    return this.#member.incarnation;
  }

  /** The pipe as a channel. Throws `ERR_MILLRACE_NOT_ENABLED` where standard streams are the pipe. */
  get pipe(): TransportChannel<Out, In> {
    return this.#pipe.channel;
  }

  /**
   * Gives it a message queue, before it is started: `push` and `pop` here, `queue` of the child there. Throws
   * `QueueError`, or `ERR_MILLRACE_NOT_STARTED` when it is too late.
   */
  useQueue(options: ProcessQueueOptions = {}): this {
    if (this.#started)
      throw new ProcessPoolError(
        'ERR_MILLRACE_NOT_STARTED',
        'useQueue belongs before start: the process is told of its queue there.',
      );
    this.#queue = ProcessQueue.open(this.id, options);
    this.#queueIsPrivate = options.key === 'private';
    return this;
  }

  /** Sends to the queue; waits while it is full. Throws `QueueError`. */
  push(data: Bytes | string, options?: WaitOptions): Promise<void> {
    return this.#assertQueue().push(data, options);
  }

  /** Takes from the queue; waits for a message. */
  pop(options?: WaitOptions): Promise<Buffer> {
    return this.#assertQueue().pop(options);
  }

  /** How many messages are in the queue, and the sum of their bytes. */
  statQueue(): { readonly messages: number; readonly bytes: number } {
    return this.#assertQueue().stat();
  }

  /** Removes the queue, for all processes; false when it was gone. */
  freeQueue(): boolean {
    return this.#assertQueue().free();
  }

  /** Starts it; returns its pid. Throws `ERR_MILLRACE_NOT_STARTED` for a second time, or when there is no pid to return. */
  start(): number {
    if (this.#started || this.#stopped)
      throw new ProcessPoolError('ERR_MILLRACE_NOT_STARTED', `${this.#member.name} can be started once.`);
    this.#started = true;
    this.#member.start();
    const { pid } = this;
    if (pid === undefined) {
      throw new ProcessPoolError(
        'ERR_MILLRACE_NOT_STARTED',
        `${this.#member.name} could not be started: processes, memory or descriptors have run out, or cwd is not there.`,
      );
    }
    return pid;
  }

  /** Resolves when the process says that it is ready; rejects with `ERR_MILLRACE_POOL_START_FAILED` when it never will. */
  async ready(options?: WaitOptions): Promise<void> {
    this.#assertStarted('ready');
    if (this.state === 'ready' || this.state === 'running') return;
    if (this.#member.settled) throw this.#startFailed();
    await this.#readyWaiters.wait(`${this.#member.name} to be ready`, options);
  }

  /**
   * Sends a value, bytes, or what is to be read from standard input. False: accepted, but much waits; `drained` tells
   * when to go on. Undefined: not accepted, since the pipe is closed. Throws as {@link TransportChannel.send} does.
   */
  write(value: Out): boolean | undefined {
    return this.#pipe.write(value);
  }

  /** Resolves once nothing waits to be sent. */
  drained(options?: WaitOptions): Promise<void> {
    return this.#pipe.drained(options);
  }

  /** The next message, or a piece of what was printed; undefined when the last process has ended and all was read. */
  read(options?: WaitOptions): Promise<In | undefined> {
    return this.#pipe.read(options);
  }

  /** Sends beside the pipe, to `onMessage` of the process; as {@link Member.send}. */
  send(body: unknown): boolean | undefined {
    return this.#member.send(body);
  }

  /** Resolves with the end of the process that runs, or of the last one when none does. */
  async wait(options?: WaitOptions): Promise<ProcessEnd> {
    this.#assertStarted('wait');
    options?.signal?.throwIfAborted();
    if (this.#member.settled && this.#lastEnd) return this.#lastEnd;
    return this.#waiters.wait(`${this.#member.name} to end`, options);
  }

  /** Sends a signal; false when there is no process. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return this.pid !== undefined && ManagedProcess.kill(this.pid, signal);
  }

  /** Sends a signal to any process; 0 only asks. False when there is none; throws when it is not allowed. */
  static kill(pid: number, signal: NodeJS.Signals | 0 = 'SIGTERM'): boolean {
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  /** Sets how willingly it lets others run, in all of its threads: from 19, most, to -20. */
  setPriority(priority: number): void {
    setPriority(this.#assertRunning(), priority);
  }

  /** The processors that it may run on. */
  get affinity(): readonly number[] {
    return getAffinity(this.#assertRunning());
  }

  setAffinity(processors: readonly number[]): void {
    setAffinity(this.#assertRunning(), processors);
  }

  /** Whether it, and its pipe, keep the loop of this process alive. */
  ref(): this {
    this.#pool.ref();
    this.#pipe.ref();
    return this;
  }

  unref(): this {
    this.#pool.unref();
    this.#pipe.unref();
    return this;
  }

  /** Asks it to end, kills it after `timeout` milliseconds (default 3,000), and starts it no more. What it sent stays to be read. */
  async stop(options: { readonly mode?: string; readonly timeout?: number } = {}): Promise<void> {
    await this.#pool.stop(options);
    this.#stopped = true;
    this.#pipe.endOfProcess();
  }

  /** Stops it and closes the pipe; idempotent. */
  async close(): Promise<void> {
    await this.stop();
    this.#pipe.close();
    if (this.#queueIsPrivate) this.#queue?.free();
    this.#queue?.close();
    this.#queue = undefined;
    this.#queueIsPrivate = false;
  }

  /** Kills it and closes the pipe; idempotent. */
  async destroy(): Promise<void> {
    await this.#pool.destroy();
    await this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ended({ pid, code, signal, wasReady }: Exit, delay: number | undefined): void {
    this.#lastEnd = { pid: pid ?? 0, code: code ?? 0, signal };
    this.#waiters.settleAll(this.#lastEnd);
    // There will be no other process.
    if (delay !== undefined) return;
    if (!wasReady) this.#readyWaiters.failAll(this.#startFailed());
    this.#pipe.endOfProcess();
  }

  #startFailed(): ProcessPoolError {
    const end = this.#lastEnd ?? { code: 0, signal: null };
    return new ProcessPoolError(
      'ERR_MILLRACE_POOL_START_FAILED',
      `${this.#member.name} ended before it was ready, ${describeEnd({ ...end, error: undefined })}.`,
    );
  }

  #assertQueue(): ProcessQueue {
    if (this.#queue) return this.#queue;
    throw new ProcessPoolError(
      'ERR_MILLRACE_NOT_ENABLED',
      `${this.#member.name} has no queue: call useQueue first.`,
    );
  }

  #assertStarted(what: string): void {
    if (this.#started) return;
    throw new ProcessPoolError(
      'ERR_MILLRACE_NOT_STARTED',
      `${what} needs a process: call start first (${this.#member.name}).`,
    );
  }

  #assertRunning(): number {
    if (this.pid !== undefined) return this.pid;
    throw new ProcessPoolError('ERR_MILLRACE_NOT_STARTED', `${this.#member.name} does not run.`);
  }
}
