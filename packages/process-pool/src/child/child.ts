import {
  bytesCodec,
  type Codec,
  checkOptions,
  optionNames,
  type TransportChannel,
  type WaitOptions,
} from '@millrace/channel';
import { syscalls } from '@millrace/native/syscalls';
import { openPipe } from '@millrace/pipe-ipc';
import { Bus } from '../bus/bus.js';
import { ProcessPoolError } from '../errors.js';
import { ProcessQueue, type QueueAssignment } from '../system/process-queue.js';
import { onSignal } from '../system/signals.js';
import {
  type AheadOrder,
  BUS,
  BYTES_PIPE,
  CONTROL_FD,
  HALT,
  hasValidFields,
  type ToChild,
  type ToParent,
  unknownMessage,
  VALUES_PIPE,
} from '../wire/protocol.js';
import { takeSpawnInfo } from '../wire/spawn-info.js';
import { type ReceivedAssignment, receiveAssignment } from './assignment-receiver.js';

/** The child's side of a process pool: its assignment, and its control pipe to the parent. */
export class ChildProcessContext {
  readonly name: string;
  readonly incarnation: number;
  readonly data: unknown;
  /** Descriptors that the parent handed down, by name. */
  readonly descriptors: ReadonlyMap<string, number>;
  readonly #maxJobs: number;
  readonly #control: TransportChannel<ToParent, ToChild>;
  #running = true;
  /** Resolves in {@link begun}. */
  readonly #begun: Promise<void>;
  #begin: () => void = () => {};
  #waits: boolean;
  #jobs = 0;
  #detached = false;
  readonly #stopHandlers: ((mode: string) => void)[] = [];
  #onDetach: (() => void) | undefined;
  readonly #messageHandlers: ((body: unknown) => void)[] = [];
  /** Messages that arrived before there was a handler. */
  #early: unknown[] = [];
  #bus: Bus | undefined;
  #busOpen = false;
  #pipe: TransportChannel<unknown> | undefined;
  readonly #queueAssignment: QueueAssignment | undefined;
  #queue: ProcessQueue | undefined;

  constructor({ assignment, descriptors }: ReceivedAssignment, control: TransportChannel<ToParent, ToChild>) {
    this.name = assignment.name;
    this.incarnation = assignment.incarnation;
    this.data = assignment.data;
    this.descriptors = descriptors;
    this.#maxJobs = assignment.maxJobs ?? Number.POSITIVE_INFINITY;
    this.#queueAssignment = assignment.queue;
    this.#control = control;
    this.#waits = assignment.standby;
    this.#begun = new Promise((resolve) => {
      if (this.#waits) this.#begin = resolve;
      else resolve();
    });
    control.on('message', (message) => {
      if (hasValidFields(message)) this.#onControl(message);
    });
    // The parent has ended; the kernel's death signal may not have arrived.
    control.on('close', () => this.parentGone());
    if (assignment.endsByItself) control.unref();
  }

  /**
   * Resolves when the member's place is this process's: at once, but in a standby, which waits here for the end of the process before it.
   * What stands before that call runs while the other process works: it may open things, and not act on them.
   */
  begun(): Promise<void> {
    return this.#begun;
  }

  /** Whether this process waits for the end of another, see {@link begun}. */
  get waits(): boolean {
    return this.#waits;
  }

  /** False once this process has been asked to end. */
  get running(): boolean {
    return this.#running;
  }

  /** The descriptor that the parent handed down under `name`. Throws `ERR_MILLRACE_NO_DESCRIPTOR`. */
  descriptor(name: string): number {
    const fd = this.descriptors.get(name);
    if (fd === undefined) {
      const known = [...this.descriptors.keys()].join(', ');
      throw new ProcessPoolError(
        'ERR_MILLRACE_NO_DESCRIPTOR',
        `The parent has handed down no descriptor '${name}'; there are: ${known}.`,
      );
    }
    return fd;
  }

  /**
   * This end of the pipe of a {@link ManagedProcess}. Throws `ERR_MILLRACE_NO_DESCRIPTOR` in a member of a pool, and where the
   * standard streams are the pipe. It does not keep the process alive, as {@link read} does while it waits: call `ref()` where the
   * process is to end with the pipe, as in `for await (const value of inherit().pipe().ref())`.
   */
  pipe<Out = unknown, In = Out>(): TransportChannel<Out, In> {
    if (this.#pipe === undefined) {
      const bytes = this.descriptors.has(BYTES_PIPE);
      const fd = this.descriptor(bytes ? BYTES_PIPE : VALUES_PIPE);
      this.#pipe = openPipe<unknown>(fd, bytes ? { codec: bytesCodec() as unknown as Codec<unknown> } : {});
      this.#pipe.unref();
    }
    return this.#pipe as TransportChannel<unknown> as TransportChannel<Out, In>;
  }

  /**
   * Sends to the parent's `read`. False: accepted, but slow down (`pipe().drained()`). Undefined: not accepted, since the parent
   * has closed the pipe. Keeps the process alive until it is sent.
   */
  write(value: unknown): boolean | undefined {
    const pipe = this.pipe();
    const more = pipe.send(value);
    pipe.flush();
    if (pipe.queuedBytes > 0) {
      pipe.ref();
      // Fails only when the parent has ended, and this process with it.
      void pipe.drained().then(
        () => pipe.unref(),
        () => {},
      );
    }
    return more;
  }

  /** The parent's next value; undefined when it has closed the pipe. The wait keeps the process alive. */
  async read<In = unknown>(options?: WaitOptions): Promise<In | undefined> {
    const pipe = this.pipe<unknown, In>().ref();
    try {
      return await pipe.receive(options);
    } finally {
      pipe.unref();
    }
  }

  /** The message queue that the parent has set up with `useQueue`. Throws `ERR_MILLRACE_NOT_ENABLED` when it has not. */
  get queue(): ProcessQueue {
    if (this.#queueAssignment === undefined)
      throw new ProcessPoolError(
        'ERR_MILLRACE_NOT_ENABLED',
        'This process has no queue: call useQueue in the parent before start.',
      );
    this.#queue ??= ProcessQueue.attach(this.#queueAssignment);
    return this.#queue;
  }

  /** Announces that this process is ready. */
  ready(): void {
    this.#send({ type: 'ready' });
  }

  /** Sends to `onMessage` of the parent. False: accepted, but slow down. Undefined: not accepted, since the parent has gone. */
  send(body: unknown): boolean | undefined {
    return this.#send({ type: 'message', body });
  }

  /** Adds a handler of the parent's messages; those that came before the first handler wait for it. Keeps the process alive. */
  onMessage(listener: (body: unknown) => void): void {
    this.#control.ref();
    this.#messageHandlers.push(listener);
    for (const body of this.#early.splice(0)) listener(body);
  }

  /**
   * Adds a handler of the parent's request to end, and of SIGTERM (mode `'signal'`). Without any, the process exits with 0. A reaction
   * to SIGTERM that is set later with {@link onSignal} takes its place for the signal.
   */
  onStop(listener: (mode: string) => void): void {
    this.#control.ref();
    this.#stopHandlers.push(listener);
    if (this.#stopHandlers.length === 1) onSignal('SIGTERM', () => this.#stop('signal'));
  }

  /** Counts a finished job. At `maxJobs` it asks to be replaced, and returns false from then on. */
  jobDone(): boolean {
    this.#jobs++;
    if (this.#jobs === this.#maxJobs) this.replace();
    return this.#jobs < this.#maxJobs;
  }

  /** Asks to be replaced: once the new process is ready, this one is asked to stop with mode `'drain'`. */
  replace(): void {
    this.#send({ type: 'replace' });
  }

  /**
   * Asks to be replaced at once: the new process starts beside this one, which is asked to stop with mode `'detach'` and has
   * `detachTimeout` to finish its work. From this call on, messages of the bus and clients go to the new process.
   */
  detach(): void {
    this.#detached = true;
    this.#leaveBus();
    this.#onDetach?.();
    this.#send({ type: 'detach' });
  }

  /** Whether this process has called {@link detach}. */
  get detached(): boolean {
    return this.#detached;
  }

  /** @internal Called when this process detaches itself. */
  onDetach(listener: () => void): void {
    this.#onDetach = listener;
  }

  /** @internal Tells the parent that this process serves clients. */
  serves(maxRequestSize: number, timeout: number): void {
    this.#send({ type: 'serves', maxRequestSize, timeout });
  }

  /** Makes this the last process of its member: none is started when it ends. */
  last(): void {
    this.#send({ type: 'last' });
  }

  /** Asks the parent to stop the whole pool. */
  shutdownPool(): void {
    this.#send({ type: 'shutdown' });
  }

  /** The message bus between members. Throws `ERR_MILLRACE_NO_DESCRIPTOR` when the pool has none. */
  get bus(): Bus {
    this.#bus ??= new Bus(this.name, this.descriptor(BUS));
    if (this.#busOpen) this.#bus.open();
    return this.#bus;
  }

  /** Lets this process end when it has nothing else to do: its control pipe no longer keeps it alive. */
  unref(): void {
    this.#control.unref();
  }

  #send(message: ToParent): boolean | undefined {
    const more = this.#control.send(message);
    this.#control.flush();
    return more;
  }

  #onControl(message: ToChild): void {
    switch (message.type) {
      case 'stop':
        return this.#stop(message.mode);
      case 'begin':
        process.title = message.title;
        this.#waits = false;
        return this.#begin();
      case 'bus-open':
        this.#busOpen = this.#running && !this.#detached;
        if (this.#busOpen) this.#bus?.open();
        return;
      case 'undelivered':
        return this.bus.undelivered(message.to);
      case 'message':
        if (this.#messageHandlers.length === 0) this.#early.push(message.body);
        for (const handler of this.#messageHandlers) handler(message.body);
        return;
      default:
        unknownMessage(message);
    }
  }

  /** The control pipe has ended. */
  protected parentGone(): void {
    process.exit(1);
  }

  /** Leaves the messages of the bus to the replacement. */
  #leaveBus(): void {
    this.#busOpen = false;
    this.#bus?.leave();
  }

  #stop(mode: string): void {
    // It has nothing to finish.
    if (this.#waits) process.exit(0);
    this.#running = false;
    this.#leaveBus();
    for (const handler of this.#stopHandlers) handler(mode);
    if (this.#stopHandlers.length === 0) process.exit(0);
  }
}

export interface InheritOptions {
  /**
   * Called before the wait, in spares only: a process that a member waits for has no time for it. Run the code of the first requests
   * here, without effect, so that it is compiled before it is needed.
   */
  readonly warmUp?: () => void;
  /** @internal Called before the wait where the parent has said what this process is to start before it has its assignment. */
  readonly startAhead?: (order: AheadOrder) => void;
}

const INHERIT_OPTIONS = optionNames<InheritOptions>({ warmUp: true, startAhead: true });

let context: ChildProcessContext | undefined;

/**
 * The member that this process is of the pool that has started it; undefined when no pool did.
 *
 * It blocks until the process is assigned to a member. A spare waits here, asleep in the kernel, until it is needed: its
 * imports are loaded by then, and no code after the call has run.
 *
 * The kernel kills this process when its parent ends, from before the entry module on. From the first call on, the process also
 * exits when its control pipe is closed, and ignores SIGINT, which a terminal sends to the parent as well.
 */
export function inherit(options: InheritOptions = {}): ChildProcessContext | undefined {
  checkOptions(options, INHERIT_OPTIONS, 'inherit()');
  const { warmUp, startAhead } = options;
  if (context !== undefined) return context;
  const info = takeSpawnInfo();
  if (info === undefined) return undefined;
  process.on('SIGINT', () => {});
  syscalls.setCloseOnExec(CONTROL_FD, 1);
  const control = openPipe<ToParent, ToChild>(CONTROL_FD);
  if (info.isAwaited !== true) warmUp?.();
  control.send({ type: 'loaded' });
  control.flush();
  if (info.below !== undefined) startAhead?.(info.below);
  const received = receiveAssignment(CONTROL_FD);
  // The parent has dismissed this spare.
  if (received === undefined) process.exit(0);
  process.title = received.assignment.title;
  tellOfHalt(received.descriptors.get(HALT));
  context = new ChildProcessContext(received, control);
  return context;
}

/** Where no thread can hold that end of the parent's pipe it is closed at once, and the parent waits for the end of this process. */
function tellOfHalt(fd: number | undefined): void {
  if (fd === undefined) return;
  syscalls.holdInThread(fd);
  syscalls.close(fd);
}
