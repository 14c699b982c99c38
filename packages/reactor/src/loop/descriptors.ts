import { type Bytes, bytesOrText, type PollRegistration, READABLE, WRITABLE } from '@millrace/channel';
import { SystemCallError } from '@millrace/native';
import {
  check,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_MAX_EVENTS,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  syscalls,
} from '@millrace/native/syscalls';
import { ReactorError } from '../errors.js';
import { OutputQueue } from '../output/output-queue.js';
import {
  type AddOptions,
  IMPLICIT,
  type Interest,
  PARKED,
  SPENT,
  type Trigger,
  UNREFERENCED,
  Watch,
  type WatchOptions,
} from './watch.js';
import { WatchTable } from './watch-table.js';

/** Numbers that one event takes: what is ready, the descriptor, its generation. */
const EVENT_FIELDS = 3;

export interface DescriptorsHost {
  /** Gets what a callback threw. */
  readonly fail: (error: unknown) => void;
  /** Some descriptor keeps the loop going from here on, or none does. */
  readonly referencing: (any: boolean) => void;
}

/**
 * The descriptors that a reactor watches, and the epoll instance that watches them. What its methods promise is said
 * where the reactor offers them.
 */
export class Descriptors {
  /** The epoll instance. */
  readonly fd = check(syscalls.epollCreate(), 'epoll_create1');
  readonly #host: DescriptorsHost;
  readonly #writeLimit: number;
  readonly #events = new Int32Array(EPOLL_MAX_EVENTS * EVENT_FIELDS);
  readonly #eventBytes = new Uint8Array(this.#events.buffer);
  readonly #watches = new WatchTable();
  #referenced = 0;

  constructor(host: DescriptorsHost, writeLimit: number) {
    this.#host = host;
    this.#writeLimit = writeLimit;
  }

  /** How many there are. */
  get size(): number {
    return this.#watches.size;
  }

  /** Whether any of them keeps the loop going. */
  get referenced(): boolean {
    return this.#referenced > 0;
  }

  add(fd: number, options: AddOptions): void {
    const present = this.#watches.at(fd);
    if (present && !present.is(IMPLICIT))
      throw new ReactorError('ERR_MILLRACE_WATCHED', `Descriptor ${fd} is watched already.`);
    if (present) present.change(fd, options);
    const watch = present ?? this.#watches.create(fd, options);
    if (options.nonBlocking !== true) check(syscalls.setNonBlocking(fd, 1), 'fcntl', `descriptor ${fd}`);
    if (!present) return this.#enter(fd, watch);
    this.#ask(fd, present);
    present.mark(IMPLICIT, false);
  }

  set(fd: number, options: WatchOptions): void {
    const watch = this.#own(fd);
    watch.change(fd, options);
    // Of an edge that has been reported, the kernel only tells again when it is asked.
    if (watch.mode & EPOLLET) watch.asked = DISARMED;
    this.#ask(fd, watch);
  }

  has(fd: number, interest?: Interest): boolean {
    const watch = this.#watches.at(fd);
    if (watch === undefined || interest === undefined) return watch !== undefined;
    return (watch.wanted & (interest === 'read' ? EPOLLIN : EPOLLOUT)) !== 0;
  }

  remove(fd: number): boolean {
    const watch = this.#watches.at(fd);
    if (!watch) return false;
    this.#watches.leave(fd);
    watch.output?.clear();
    // A descriptor that was closed elsewhere has left epoll already: that failure is the expected outcome.
    syscalls.epollControl(this.fd, EPOLL_CTL_DEL, fd, 0, 0);
    if (!watch.is(UNREFERENCED)) this.#dropReference();
    return true;
  }

  ref(fd: number, on: boolean): void {
    const watch = this.#own(fd);
    if (watch.is(UNREFERENCED) !== on) return;
    watch.mark(UNREFERENCED, !on);
    if (on) this.#addReference();
    else this.#dropReference();
  }

  write(fd: number, data: Bytes | string): boolean {
    const bytes = bytesOrText(data);
    const watch = this.#watches.at(fd) && this.#watches.own(fd);
    const output = watch?.output ?? new OutputQueue(fd);
    if (watch) watch.output = output;
    else check(syscalls.setNonBlocking(fd, 1), 'fcntl', `descriptor ${fd}`);
    if (bytes.length === 0 || output.bytes + bytes.length > this.#writeLimit) return false;
    check(output.write(bytes, 0, bytes.length), 'write', `descriptor ${fd}`);
    if (output.empty) return true;
    if (watch) this.#ask(fd, watch);
    else this.#enter(fd, implicit(output));
    return true;
  }

  queuedBytes(fd: number): number {
    return this.#watches.at(fd)?.output?.bytes ?? 0;
  }

  /** Sleeps at most `timeoutMs` (-1: no limit), then calls back for what is ready. */
  wait(timeoutMs: number): void {
    const count = syscalls.epollWait(this.fd, this.#eventBytes, EPOLL_MAX_EVENTS, timeoutMs);
    if (count < 0 && count !== -EINTR) throw new SystemCallError('epoll_wait', -count);
    const events = this.#events;
    for (let at = 0; at < count * EVENT_FIELDS; at += EVENT_FIELDS) {
      try {
        this.#deliver(events[at] as number, events[at + 1] as number, events[at + 2] as number);
      } catch (error) {
        this.#host.fail(error);
      }
    }
  }

  /** The form in which transports watch: one callback, told what is ready. */
  poll(fd: number, callback: (ready: number) => void, trigger: Trigger): PollRegistration {
    let watchesEnd = false;
    this.add(fd, {
      onRead: () => callback(READABLE),
      onWrite: () => callback(WRITABLE),
      onError: (_fd, error) => {
        if (error) return this.#host.fail(error);
        this.#park(fd);
        if (watchesEnd) callback(READABLE | WRITABLE);
      },
      read: false,
      write: false,
      nonBlocking: true,
      trigger,
    });
    const generation = this.#watches.generation(fd);
    const live = () => this.#watches.find(fd, generation) !== undefined;
    return {
      update: ({ read, write, end = false }) => {
        if (!live()) return;
        const watch = this.#watches.own(fd);
        // A hang-up that came while neither reading nor writing was watched for.
        if (end && !watchesEnd && watch.is(PARKED)) watch.asked = DISARMED;
        watchesEnd = end;
        watch.wanted = (read ? EPOLLIN : 0) | (write ? EPOLLOUT : 0);
        this.#ask(fd, watch);
      },
      ref: () => {
        if (live()) this.ref(fd, true);
      },
      unref: () => {
        if (live()) this.ref(fd, false);
      },
      close: () => {
        if (live()) this.remove(fd);
      },
    };
  }

  /** Gives up the epoll instance; the descriptors stay open. */
  close(): void {
    const watches = this.#watches.clear();
    syscalls.close(this.fd);
    for (const watch of watches) watch?.output?.clear();
  }

  #deliver(events: number, fd: number, generation: number): void {
    let watch = this.#watches.find(fd, generation);
    // The descriptor has been removed in this turn, and perhaps another has its number now.
    if (watch === undefined) return;
    if (!(watch.mode & EPOLLONESHOT)) return this.#report(events, fd, generation, watch, watch.is(SPENT));
    // The kernel has disarmed it, whatever the event was for; output that goes is not what it waits for.
    watch = this.#watches.own(fd);
    const spent = watch.is(SPENT);
    watch.asked = DISARMED;
    if (events & (watch.wanted | EPOLLERR | EPOLLHUP)) watch.mark(SPENT, true);
    try {
      this.#report(events, fd, generation, watch, spent);
    } finally {
      watch = this.#watches.find(fd, generation);
      if (watch?.asked === DISARMED && (!watch.is(SPENT) || watch.output?.empty === false))
        this.#ask(fd, watch);
    }
  }

  /**
   * One event: reading, then writing, then an error if it was neither; each only while the watch is the same. Of one
   * that is `spent` only output goes.
   */
  #report(events: number, fd: number, generation: number, reported: Watch, spent: boolean): void {
    let watch: Watch | undefined = reported;
    const failed = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    const wanted = spent ? 0 : watch.wanted;
    if (wanted & EPOLLIN && (failed || events & EPOLLIN)) {
      watch.callbacks.onRead?.(fd);
      watch = this.#watches.find(fd, generation);
      if (watch === undefined) return;
    }
    const flushes = watch.output !== undefined && !watch.output.empty;
    if (watch.output !== undefined && flushes) {
      if (failed || events & EPOLLOUT) this.#flush(fd, generation, watch, watch.output);
      watch = this.#watches.find(fd, generation);
      if (watch === undefined) return;
    }
    if (wanted & EPOLLOUT && (failed || events & EPOLLOUT)) watch.callbacks.onWrite?.(fd);
    else if (failed && !flushes && !spent && !(wanted & EPOLLIN)) tellOfFailure(fd, watch);
  }

  #flush(fd: number, generation: number, watch: Watch, output: OutputQueue): void {
    const result = output.flush();
    if (result < 0) {
      output.clear();
      const error = new SystemCallError('write', -result, `descriptor ${fd}`);
      const { onError } = watch.callbacks;
      if (onError) onError(fd, error);
      else this.#host.fail(error);
    }
    if (this.#watches.find(fd, generation) === undefined || !output.empty) return;
    if (watch.is(IMPLICIT)) this.remove(fd);
    else this.#ask(fd, watch);
  }

  #enter(fd: number, watch: Watch): void {
    const { events } = watch;
    const generation = this.#watches.next();
    check(
      syscalls.epollControl(this.fd, EPOLL_CTL_ADD, fd, events, generation),
      'epoll_ctl',
      `descriptor ${fd}`,
    );
    watch.asked = events;
    this.#watches.enter(fd, generation, watch);
    this.#addReference();
  }

  #ask(fd: number, watch: Watch): void {
    const { events } = watch;
    if (events === watch.asked) return;
    const operation = watch.is(PARKED) ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    check(
      syscalls.epollControl(this.fd, operation, fd, events, this.#watches.generation(fd)),
      'epoll_ctl',
      `descriptor ${fd}`,
    );
    watch.mark(PARKED, false);
    watch.asked = events;
  }

  /** Epoll tells of a hang-up without end, also where nothing is wanted: it has no such descriptor until something is. */
  #park(fd: number): void {
    const watch = this.#watches.own(fd);
    syscalls.epollControl(this.fd, EPOLL_CTL_DEL, fd, 0, 0);
    watch.mark(PARKED, true);
    watch.asked = 0;
  }

  #addReference(): void {
    if (this.#referenced++ === 0) this.#host.referencing(true);
  }

  #dropReference(): void {
    if (--this.#referenced === 0) this.#host.referencing(false);
  }

  /** To be changed. */
  #own(fd: number): Watch {
    if (this.#watches.at(fd)) return this.#watches.own(fd);
    throw new ReactorError('ERR_MILLRACE_NOT_WATCHED', `Descriptor ${fd} is not watched.`);
  }
}

/** What epoll is asked for when it is to be asked again in any case: no combination of events. */
const DISARMED = -1;

function implicit(output: OutputQueue): Watch {
  const watch = new Watch();
  watch.mark(IMPLICIT, true);
  watch.output = output;
  return watch;
}

function tellOfFailure(fd: number, { callbacks: { onRead, onWrite, onError } }: Watch): void {
  (onError ?? onRead ?? onWrite)?.(fd);
}
