import {
  bytesCodec,
  type Codec,
  checkOptions,
  optionNames,
  type TransportChannel,
  type WaitOptions,
} from '@millrace/channel';
import { syscalls } from '@millrace/native';
import { openPipe } from '@millrace/pipe-ipc';
import { Bus } from '../bus/bus.js';
import { ProcessPoolError } from '../errors.js';
import { ProcessQueue, type QueueBirth } from '../system/process-queue.js';
import { onSignal } from '../system/signals.js';
import { takeCall } from '../wire/call.js';
import {
  BUS,
  BYTES_PIPE,
  CONTROL_FD,
  hasValidFields,
  type ToChild,
  type ToParent,
  unknownMessage,
  VALUES_PIPE,
} from '../wire/protocol.js';
import { type ReceivedBirth, receiveBirth } from './birth-receiver.js';

/** A child's side of a process pool: who it is, and its line to the parent. */
export class ChildProcessContext {
  readonly name: string;
  readonly incarnation: number;
  readonly data: unknown;
  /** Descriptors that the parent handed down, by name. */
  readonly descriptors: ReadonlyMap<string, number>;
  readonly #maxJobs: number;
  readonly #control: TransportChannel<ToParent, ToChild>;
  #running = true;
  #jobs = 0;
  #detached = false;
  #onStop: ((mode: string) => void) | undefined;
  #onDetach: (() => void) | undefined;
  #onMessage: ((body: unknown) => void) | undefined;
  /** Messages that came before there was a listener. */
  #early: unknown[] = [];
  #bus: Bus | undefined;
  #busOpen = false;
  #pipe: TransportChannel<unknown> | undefined;
  readonly #queueBirth: QueueBirth | undefined;
  #queue: ProcessQueue | undefined;

  constructor({ birth, descriptors }: ReceivedBirth, control: TransportChannel<ToParent, ToChild>) {
    this.name = birth.name;
    this.incarnation = birth.incarnation;
    this.data = birth.data;
    this.descriptors = descriptors;
    this.#maxJobs = birth.maxJobs ?? Number.POSITIVE_INFINITY;
    this.#queueBirth = birth.queue;
    this.#control = control;
    control.onMessage((message) => {
      if (hasValidFields(message)) this.#heard(message);
    });
    // The parent is gone, whatever the kernel's signal does.
    control.onClose(() => process.exit(1));
    if (birth.endsByItself) control.unref();
  }

  /** Whether nobody has asked this process to end yet. */
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
        `No descriptor is named '${name}'; there are: ${known}.`,
      );
    }
    return fd;
  }

  /**
   * This end of the pipe of a {@link Process}. Throws `ERR_MILLRACE_NO_DESCRIPTOR` in a member of a pool, and where the
   * standard streams are the pipe.
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

  /** Sends to the parent's `read`; false: accepted, but much waits (`pipe().drained()`). It keeps the process until it is sent. */
  write(value: unknown): boolean {
    const pipe = this.pipe();
    const more = pipe.send(value);
    pipe.flush();
    if (pipe.queuedBytes > 0) {
      pipe.ref();
      // Fails only when the parent has gone, and this process with it.
      void pipe.drained().then(
        () => pipe.unref(),
        () => {},
      );
    }
    return more;
  }

  /** What the parent writes next; undefined when it has closed the pipe. The wait keeps the process alive. */
  async read<In = unknown>(options?: WaitOptions): Promise<In | undefined> {
    const pipe = this.pipe<unknown, In>().ref();
    try {
      return await pipe.receive(options);
    } finally {
      pipe.unref();
    }
  }

  /** The message queue that the parent gave to this process. Throws `ERR_MILLRACE_NOT_ENABLED` where it gave none. */
  get queue(): ProcessQueue {
    if (this.#queueBirth === undefined)
      throw new ProcessPoolError(
        'ERR_MILLRACE_NOT_ENABLED',
        'There is no queue: call useQueue in the parent, before start.',
      );
    this.#queue ??= ProcessQueue.attach(this.#queueBirth);
    return this.#queue;
  }

  /** Tells the parent that this process can do its work. */
  ready(): void {
    this.#say({ type: 'ready' });
  }

  send(body: unknown): void {
    this.#say({ type: 'message', body });
  }

  onMessage(listener: (body: unknown) => void): void {
    this.#control.ref();
    this.#onMessage = listener;
    for (const body of this.#early.splice(0)) listener(body);
  }

  /**
   * Called when the parent asks for an orderly end, or SIGTERM does (mode `'signal'`). Default: exit with 0. A reaction
   * to SIGTERM that is set later with {@link onSignal} takes its place for the signal.
   */
  onStop(listener: (mode: string) => void): void {
    this.#control.ref();
    this.#onStop = listener;
    onSignal('SIGTERM', () => this.#stopAsked('signal'));
  }

  /** Counts a job as done. At `maxJobs` of them another process is asked for, and false is returned from then on. */
  jobDone(): boolean {
    this.#jobs++;
    if (this.#jobs === this.#maxJobs) this.replace();
    return this.#jobs < this.#maxJobs;
  }

  /** Asks for another process in this one's place; when it is ready, this one is asked to stop, mode `'drain'`. */
  replace(): void {
    this.#say({ type: 'replace' });
  }

  /**
   * Asks for another process at once, to work beside this one, which is asked to stop, mode `'detach'`, and has
   * `detachTimeout` for what it has in hand. From this call on it is given nothing new: messages of the bus and clients
   * are for the other.
   */
  detach(): void {
    this.#detached = true;
    this.#leaveBus();
    this.#onDetach?.();
    this.#say({ type: 'detach' });
  }

  /** Whether this process has called {@link detach}. */
  get detached(): boolean {
    return this.#detached;
  }

  /** @internal Called when this process detaches itself. */
  onDetach(listener: () => void): void {
    this.#onDetach = listener;
  }

  /** @internal Tells the parent that this process takes requests of clients. */
  serves(maxRequestSize: number, timeout: number): void {
    this.#say({ type: 'serves', maxRequestSize, timeout });
  }

  /** Lets nothing come after this process: when it ends, it is not started again. */
  last(): void {
    this.#say({ type: 'last' });
  }

  /** Asks the parent to stop the whole pool. */
  shutdownPool(): void {
    this.#say({ type: 'shutdown' });
  }

  /** The way to the other members. Throws `ERR_MILLRACE_NO_DESCRIPTOR` where the pool has no bus. */
  get bus(): Bus {
    this.#bus ??= new Bus(this.name, this.descriptor(BUS));
    if (this.#busOpen) this.#bus.open();
    return this.#bus;
  }

  /** Lets this process end when it has nothing else to do: the line to the parent keeps it no longer. */
  unref(): void {
    this.#control.unref();
  }

  #say(message: ToParent): void {
    this.#control.send(message);
    this.#control.flush();
  }

  #heard(message: ToChild): void {
    switch (message.type) {
      case 'stop':
        return this.#stopAsked(message.mode);
      case 'bus-open':
        this.#busOpen = this.#running && !this.#detached;
        if (this.#busOpen) this.#bus?.open();
        return;
      case 'undelivered':
        return this.bus.undelivered(message.to);
      case 'message':
        if (this.#onMessage) this.#onMessage(message.body);
        else this.#early.push(message.body);
        return;
      default:
        unknownMessage(message);
    }
  }

  /** Messages of the bus are for the process that comes after. */
  #leaveBus(): void {
    this.#busOpen = false;
    this.#bus?.leave();
  }

  #stopAsked(mode: string): void {
    this.#running = false;
    this.#leaveBus();
    if (this.#onStop) this.#onStop(mode);
    else process.exit(0);
  }
}

export interface InheritOptions {
  /**
   * Called before the wait, in processes of a pool only: what a member does first, done once to no effect, is compiled when
   * it matters. A replacement serves the sooner.
   */
  readonly warmUp?: () => void;
}

const INHERIT_OPTIONS = optionNames<InheritOptions>({ warmUp: true });

let context: ChildProcessContext | undefined;

/** Whether a pool has started this process. Unlike {@link inherit} it does not wait for a name. */
export function hasParent(): boolean {
  return takeCall() !== undefined;
}

/**
 * Who this process is in the pool that started it; undefined when none did.
 *
 * The kernel kills this process when its parent is gone, from before the entry module on; from the first call on it also
 * exits when its control pipe ends, and ignores SIGINT, which a terminal sends to every process: the parent decides.
 *
 * It returns when the process is given its name. A spare waits here until it is needed, asleep in the kernel: what the
 * module has imported is loaded by then, and nothing after the call has run.
 */
export function inherit(options: InheritOptions = {}): ChildProcessContext | undefined {
  checkOptions(options, INHERIT_OPTIONS, 'inherit()');
  const { warmUp } = options;
  if (context !== undefined) return context;
  if (takeCall() === undefined) return undefined;
  process.on('SIGINT', () => {});
  syscalls.setCloseOnExec(CONTROL_FD, 1);
  const control = openPipe<ToParent, ToChild>(CONTROL_FD);
  warmUp?.();
  control.send({ type: 'waiting' });
  control.flush();
  const received = receiveBirth(CONTROL_FD);
  // The parent needs no spare any more.
  if (received === undefined) process.exit(0);
  process.title = received.birth.title;
  context = new ChildProcessContext(received, control);
  return context;
}
