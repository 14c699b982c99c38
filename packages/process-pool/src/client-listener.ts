import {
  EAGAIN,
  ECONNABORTED,
  EINTR,
  NodePoller,
  type PollRegistration,
  SOCKADDR_BYTES,
  SystemCallError,
  syscalls,
} from '@millrace/native';

/** Milliseconds without accepting after descriptors have run out: trying at once would fail at once. */
const EXHAUSTED_PAUSE_MS = 1_000;

/** A listening socket that all members share; this process takes a client only while it has time for one. */
export class ClientListener {
  readonly #fd: number;
  readonly #address = new Uint8Array(SOCKADDR_BYTES);
  readonly #registration: PollRegistration;
  readonly #onClient: (fd: number) => void;
  #accepting = false;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(fd: number, onClient: (fd: number) => void) {
    this.#fd = fd;
    this.#onClient = onClient;
    this.#registration = new NodePoller().add(fd, () => this.#accept());
  }

  set accepting(on: boolean) {
    if (on === this.#accepting || this.#closed) return;
    this.#accepting = on;
    if (this.#pause === undefined) this.#registration.update({ read: on, write: false });
  }

  close(): void {
    this.accepting = false;
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#registration.close();
    syscalls.close(this.#fd);
  }

  /** One at a time: the next may be for a neighbour who has nothing to do. */
  #accept(): void {
    if (!this.#accepting) return;
    const fd = syscalls.accept(this.#fd, this.#address);
    if (fd >= 0) return this.#onClient(fd);
    // A neighbour was faster, or the client has gone.
    if (fd === -EAGAIN || fd === -EINTR || fd === -ECONNABORTED) return;
    process.emitWarning(
      `${new SystemCallError('accept4', -fd).message}: accepting pauses for ${EXHAUSTED_PAUSE_MS} ms; raise the limit of open files (ulimit -n).`,
    );
    this.#registration.update({ read: false, write: false });
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (!this.#closed) this.#registration.update({ read: this.#accepting, write: false });
    }, EXHAUSTED_PAUSE_MS).unref();
  }
}
