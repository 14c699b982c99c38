/** A watcher of `uv_poll`, opaque. */
export interface PollHandle {
  readonly __pollHandle: never;
}

/** A memory mapping, opaque. */
export interface MapHandle {
  readonly __mapHandle: never;
}

/**
 * The addon's functions as they are: one system call each, no checks beyond the bounds of buffers.
 *
 * Notes. Every function that returns a number returns `-errno` when the call failed (use {@link check} for those
 * that must not fail, compare with a constant for those whose failure is an answer: `-EAGAIN`). No function blocks,
 * except `epollWait` with a timeout other than 0. All descriptors they make are closed on exec and, where that has a
 * meaning, non-blocking.
 */
export interface Syscalls {
  read(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  write(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  close(fd: number): number;
  duplicate(fd: number): number;
  setCloseOnExec(fd: number, on: 0 | 1): number;
  setNonBlocking(fd: number, on: 0 | 1): number;
  eventfd(): number;
  eventfdSignal(fd: number): number;
  eventfdDrain(fd: number): number;

  epollCreate(): number;
  /** `generation` comes back with every event of the descriptor. */
  epollControl(epfd: number, operation: number, fd: number, events: number, generation: number): number;
  /** Fills `events` with int32 triples: events, descriptor, generation. `timeoutMs` -1 waits for ever. */
  epollWait(epfd: number, events: Uint8Array, maxEvents: number, timeoutMs: number): number;

  /** Sends from a file's `offset` to a socket, without a copy in user space; 0: the file has nothing there. */
  sendFile(socket: number, file: number, offset: number, length: number): number;
  readAt(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number;

  /** A sealed anonymous file of `length` bytes, all of them reserved. */
  memfd(name: string, length: number): number;
  map(fd: number, length: number): [ArrayBuffer, MapHandle] | number;
  unmap(buffer: ArrayBuffer, handle: MapHandle): number;

  pollOpen(fd: number, callback: (status: number, events: number) => void): PollHandle | number;
  pollStart(handle: PollHandle, events: number): number;
  pollRef(handle: PollHandle, on: 0 | 1): number;
  pollClose(handle: PollHandle): number;

  setParentDeathSignal(signal: number): number;
  parentPid(): number;

  socket(domain: number, type: number, protocol: number): number;
  socketPair(type: number, out: Uint8Array): number;
  bind(fd: number, address: Uint8Array, addressLength: number): number;
  connect(fd: number, address: Uint8Array, addressLength: number): number;
  listen(fd: number, backlog: number): number;
  accept(fd: number, address: Uint8Array): number;
  socketName(fd: number, address: Uint8Array, peer: 0 | 1): number;
  setSocketOption(fd: number, level: number, name: number, value: number): number;
  getSocketOption(fd: number, level: number, name: number, out: Uint8Array): number;
  receive(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  send(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  /** Kernel memory taken by what was sent on a unix socket and has not been read by the other side. */
  unreadBytes(fd: number): number;
  shutdown(fd: number, how: number): number;
  sendTo(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  /** Returns the datagram's size, which is more than `length` when its end was cut off. */
  receiveFrom(fd: number, bytes: Uint8Array, offset: number, length: number, address: Uint8Array): number;
  encodeInet(host: string, port: number, out: Uint8Array): number;
  decodeInet(address: Uint8Array, out: Uint8Array): string | number;
}
