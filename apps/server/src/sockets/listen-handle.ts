/** As libuv names them. */
const UV_READABLE = 1;
const UV_WRITABLE = 2;

/** What a `net.Server` that listens has in place of a handle of Node's: it is told of its address, and tells of its end. */
export class ListenHandle {
  /** There is none: sockets do not come by it. */
  readonly fd = -1;
  /** Only of a socket with an address: of another, a server tells the path that it was given. */
  readonly getsockname: ((out: Record<string, unknown>) => number) | undefined;
  /** Of the file of a unix socket; undefined: what the umask leaves. */
  permissions: number | undefined;
  closed = false;
  readonly #onClose: () => void;
  #detach: (() => void) | undefined;
  #address = '';
  #port = 0;
  #family: string;
  #isRef = true;

  constructor(isPath: boolean, family: 'IPv4' | 'IPv6', onClose: () => void) {
    this.#onClose = onClose;
    this.#family = family;
    this.getsockname = isPath
      ? undefined
      : (out) => {
          Object.assign(out, { address: this.#address, family: this.#family, port: this.#port });
          return 0;
        };
  }

  /** It listens; `detach` is called at its end. */
  bound(address: string, port: number, detach: () => void): void {
    this.#address = address;
    this.#port = port;
    if (address !== '') this.#family = address.includes(':') ? 'IPv6' : 'IPv4';
    this.#detach = detach;
  }

  /** It never will. */
  failed(): void {
    this.close();
  }

  /** Idempotent. */
  close(callback?: () => void): void {
    if (!this.closed) {
      this.closed = true;
      this.#onClose();
      this.#detach?.();
    }
    if (callback !== undefined) process.nextTick(callback);
  }

  /** `readableAll`, `writableAll` of `listen`. */
  fchmod(mode: number): number {
    const all = (mode & UV_READABLE ? 0o444 : 0) | (mode & UV_WRITABLE ? 0o222 : 0);
    this.permissions = (0o777 & ~process.umask()) | all;
    return 0;
  }

  ref(): void {
    this.#isRef = true;
  }

  unref(): void {
    this.#isRef = false;
  }

  hasRef(): boolean {
    return this.#isRef;
  }

  getAsyncId(): number {
    return 0;
  }
}
