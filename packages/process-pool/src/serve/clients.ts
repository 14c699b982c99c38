import { NodePoller, type PollRegistration, SystemCallError } from '@millrace/native';
import { EAGAIN, ECONNABORTED, EINTR, SOCKADDR_BYTES, syscalls } from '@millrace/native/syscalls';
import { RequestQueue } from './request-queue.js';
import { type RequestLimits, RequestReader, type RequestReaderEvents } from './request-reader.js';

/** Clients that have not asked yet. Above it the one that has had most time is closed to let another in. */
const MAX_UNREAD = 1_024;
/** Requests that wait for a member, beyond those that lie in the kernel; above it clients stay in the backlog. */
const MAX_WAITING = 1_024;
/** Bytes of requests that are held over all clients, at least two of the largest. */
const MAX_BYTES = 64 << 20;
/** Most clients let in in one turn of the loop. */
const BURST = 64;
/** Milliseconds without accepting after descriptors have run out: trying at once would fail at once. */
const EXHAUSTED_PAUSE_MS = 1_000;

/**
 * The clients of a pool until a member takes them, in the pool's process: it accepts, reads requests, and queues those
 * that are complete. A member that ends, however it ends, has at most the one client whose request it works on.
 */
export class Clients {
  readonly #listener: number;
  readonly #registration: PollRegistration;
  readonly #address = new Uint8Array(SOCKADDR_BYTES);
  readonly #readers = new Set<RequestReader>();
  readonly #queue = new RequestQueue(() => this.#look());
  readonly #events: RequestReaderEvents;
  #limits: RequestLimits | undefined;
  #accepting = false;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  /** `listener` stays its owner's. */
  constructor(listener: number) {
    this.#listener = listener;
    this.#registration = new NodePoller().add(listener, () => this.#accept());
    // The processes keep the loop, or are not to.
    this.#registration.unref();
    this.#events = {
      complete: (reader, body) => {
        this.#readers.delete(reader);
        this.#queue.add(reader.fd, body);
        this.#look();
      },
      over: (reader) => {
        this.#readers.delete(reader);
        this.#look();
      },
      grew: () => this.#look(),
    };
  }

  /** From where members take requests. */
  get descriptor(): number {
    return this.#queue.descriptor;
  }

  /** A member serves clients, within these limits; from the first on they are let in. */
  serve(limits: RequestLimits): void {
    this.#limits = limits;
    this.#look();
  }

  /** Closes the connections of all clients that no member has taken. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#registration.close();
    for (const reader of this.#readers) reader.close();
    this.#readers.clear();
    this.#queue.close();
  }

  #accept(): void {
    for (let count = 0; count < BURST && this.#accepting; count++) {
      const fd = syscalls.accept(this.#listener, this.#address);
      if (fd >= 0) this.#accepted(fd);
      else if (fd === -EAGAIN) return;
      else if (fd !== -EINTR && fd !== -ECONNABORTED) return this.#exhausted(fd);
    }
  }

  #accepted(fd: number): void {
    if (this.#readers.size >= MAX_UNREAD) {
      const [oldest] = this.#readers;
      oldest?.close();
      this.#readers.delete(oldest as RequestReader);
    }
    const reader = new RequestReader(fd, this.#limits as RequestLimits, this.#events);
    this.#readers.add(reader);
    // Often the request has come with the connection.
    reader.read();
  }

  #exhausted(error: number): void {
    process.emitWarning(
      `${new SystemCallError('accept4', -error).message}: accepting pauses for ${EXHAUSTED_PAUSE_MS} ms; raise the limit of open files (ulimit -n).`,
    );
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#look();
    }, EXHAUSTED_PAUSE_MS).unref();
    this.#look();
  }

  /** Decides anew who may come in, and who may send. */
  #look(): void {
    if (this.#closed || this.#limits === undefined) return;
    const accepting = this.#pause === undefined && this.#queue.size < MAX_WAITING;
    if (accepting !== this.#accepting) {
      this.#accepting = accepting;
      this.#registration.update({ read: accepting, write: false });
    }
    const most = Math.max(MAX_BYTES, 2 * this.#limits.maxRequestSize);
    let unread = 0;
    for (const { bytes } of this.#readers) unread += bytes;
    const full = this.#queue.bytes + unread > most;
    // Requests that wait are on their way to members: the others go on when there is room. Otherwise nothing moves.
    if (full && this.#queue.size === 0) this.#closeLargest();
    for (const reader of this.#readers) reader.paused = full && this.#queue.size > 0;
  }

  #closeLargest(): void {
    let largest: RequestReader | undefined;
    for (const reader of this.#readers) if (reader.bytes > (largest?.bytes ?? 0)) largest = reader;
    if (largest === undefined) return;
    largest.close();
    this.#readers.delete(largest);
  }
}
