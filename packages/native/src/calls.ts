/** A watcher of `uv_poll`, opaque. */
export interface PollHandle {
  readonly __pollHandle: never;
}

/** A memory mapping, opaque. */
export interface MapHandle {
  readonly __mapHandle: never;
}

/** A thread that waits on a System V queue, opaque. */
export interface MessageWaiter {
  readonly __messageWaiter: never;
}

/**
 * The addon's functions as they are: one system call each. What they are given is checked: integers for type and range,
 * strings for a NUL, handles for their kind, offsets and lengths for the bounds of buffers (`-EFAULT`).
 *
 * Notes. An argument that cannot be is an {@link SystemCallArgumentError}, thrown. Every function that returns a number returns `-errno` when the call failed (use {@link check} for those
 * that must not fail, compare with a constant for those whose failure is an answer: `-EAGAIN`). No function blocks,
 * except `epollWait` and the `futexWait…` functions, with a timeout other than 0, and `msgSend` and `msgReceive`
 * without `IPC_NOWAIT`. All descriptors they make are closed on exec and, where that has a
 * meaning, non-blocking.
 */
export interface Syscalls {
  read(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  write(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  close(fd: number): number;
  duplicate(fd: number): number;
  /** Makes `target` the same as `fd`, in place of what it was. As all standard streams it stays open on exec. */
  duplicateTo(fd: number, target: number): number;
  /** Fills two int32: the end to read, the end to write; closed on exec. */
  pipe(out: Uint8Array): number;
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
  /** Of a buffer whose memory was moved away by `transfer()` nothing is unmapped; `-EINVAL` for another's buffer. */
  unmap(buffer: ArrayBuffer, handle: MapHandle): number;
  /** Gives memory that the C library's allocator keeps for later back to the kernel; 1 where there was some. */
  trim(): number;
  /**
   * The C library's allocator keeps up to `bytes` that were freed at the end of its memory, and maps what has `mapFrom` bytes or more by
   * itself; 0 where the C library has no such setting.
   */
  keepFreed(bytes: number, mapFrom: number): number;
  /** Makes a file `length` bytes long and takes its pages now. */
  reserve(fd: number, length: number): number;
  /** Gives a file without a name (`O_TMPFILE`) one, in one step: `-EEXIST` when that is taken. */
  linkDescriptor(fd: number, path: string): number;

  shmGet(key: number, length: number, flags: number): number;
  /** `length` must be the segment's. Unmapping detaches it. */
  shmAttach(id: number, length: number): [ArrayBuffer, MapHandle] | number;
  /** Fills length, mode, creator's pid, last pid, attached, changed at (seconds), uid, key. */
  shmStat(id: number, out: Float64Array): number;
  shmSetMode(id: number, mode: number): number;
  shmRemove(id: number): number;
  /** Takes the pages of mapped memory now; `-EINVAL` before Linux 5.14. */
  populate(bytes: Uint8Array, offset: number, length: number): number;

  /** Blocks while the word is `expected`: 0 woken, `-EAGAIN` it is not, `-ETIMEDOUT`, `-EINTR`. */
  futexWait(bytes: ArrayBufferView, offset: number, expected: number, timeoutMs: number): number;
  futexWake(bytes: ArrayBufferView, offset: number, most: number): number;
  /** Where a word of mapped memory lies, for `futexWaitAny` in another thread of this process; 0: nowhere. */
  addressOf(bytes: ArrayBufferView, offset: number): number;
  /** Blocks while each of up to 128 words is as expected; the index of one that was woken. Linux 5.16. */
  futexWaitAny(addresses: Float64Array, expected: Uint32Array, count: number, timeoutMs: number): number;

  pollOpen(fd: number, callback: (status: number, events: number) => void): PollHandle | number;
  pollStart(handle: PollHandle, events: number): number;
  /** Has a descriptor that is watched for reading told by edges, from its first event on. */
  pollEdges(handle: PollHandle): number;
  pollRef(handle: PollHandle, on: 0 | 1): number;
  pollClose(handle: PollHandle): number;

  setParentDeathSignal(signal: number): number;
  /** Whether descendants whose parents have ended become children of this process, to be reaped by it. */
  setChildSubreaper(on: 0 | 1): number;
  parentPid(): number;
  /** The kernel's id of the calling thread; a main thread's is its pid. */
  threadId(): number;
  /**
   * Has a thread of its own hold a descriptor in a table of its own until the process ends: it is closed before the memory is given back,
   * where this process has no other (`hasHalted`). `-ENOSYS` before Linux 5.9.
   */
  holdInThread(fd: number): number;
  /** The pid of a child (any: 0) that has ended, 0 when none has. `peek` leaves it to be waited for again. */
  waitChild(pid: number, peek: 0 | 1): number;
  /** The processors of a thread, one bit each, into 128 bytes; thread 0 is the caller. */
  getAffinity(thread: number, out: Uint8Array): number;
  setAffinity(thread: number, processors: Uint8Array): number;
  /**
   * Replaces this process by another program; returns only when that failed. `strings` holds the path, the arguments
   * and the environment one after the other, each with its NUL.
   */
  execute(strings: Uint8Array, length: number, argumentCount: number, variableCount: number): number;

  /** What this process sees as `/` from now on; its working directory stays where it is. */
  changeRoot(path: string): number;
  /** What handles a signal in this process handles another one as well; `-ENOENT` where nothing does. */
  copySignalHandler(from: number, to: number): number;

  /** Opens a file relative to a directory (`AT_FDCWD`: the working directory); closed on exec. */
  openAt(directory: number, path: string, flags: number, mode: number): number;
  makeDirectoryAt(directory: number, path: string, mode: number): number;
  /** Removes a file, or with `AT_REMOVEDIR` an empty directory. */
  unlinkAt(directory: number, path: string, flags: number): number;
  /** Fills `bytes` with the target of a link, that of `directory` itself (`O_PATH`) where the path is empty; how many they are. */
  readLinkAt(directory: number, path: string, bytes: Uint8Array): number;
  /** Fills `bytes` with entries (`struct linux_dirent64`), 0 at the end; each call goes on where the last has stopped. */
  readEntries(directory: number, bytes: Uint8Array): number;

  /** Fills two numbers, the users who own and who have made a System V queue. */
  msgOwners(id: number, out: Float64Array): number;
  shmOwners(id: number, out: Float64Array): number;
  /** The user of the process at the other end of a unix socket. */
  peerUser(socket: number): number;

  /** Sends a message with up to 253 descriptors, int32 each in `rights`, on a unix socket. */
  sendRights(fd: number, bytes: Uint8Array, length: number, rights: Uint8Array, count: number): number;
  /** Receives a message and its descriptors: `rights` has room for 254 int32, their number and then they. */
  receiveRights(fd: number, bytes: Uint8Array, length: number, rights: Uint8Array): number;
  /** The same, and the message stays: the next reader has descriptors of its own for the same files. */
  peekRights(fd: number, bytes: Uint8Array, length: number, rights: Uint8Array): number;

  socket(domain: number, type: number, protocol: number): number;
  socketPair(type: number, out: Uint8Array): number;
  bind(fd: number, address: Uint8Array, addressLength: number): number;
  connect(fd: number, address: Uint8Array, addressLength: number): number;
  listen(fd: number, backlog: number): number;
  accept(fd: number, address: Uint8Array): number;
  socketName(fd: number, address: Uint8Array, peer: 0 | 1): number;
  setSocketOption(fd: number, level: number, name: number, value: number): number;
  /** `SO_LINGER`: a close waits so long for what is queued; with 0 it drops that and resets a TCP connection. */
  setLinger(fd: number, seconds: number): number;
  getSocketOption(fd: number, level: number, name: number, out: Uint8Array): number;
  receive(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  send(fd: number, bytes: Uint8Array, offset: number, length: number): number;
  /**
   * `send` to each of `count` descriptors: `list` is the bytes of int32 quadruples {fd, offset, length, result}. What `send` returns is stored
   * as the result; descriptors below 0 are left out. Returns 0, or -EFAULT when `list` is too short.
   */
  sendEach(list: Uint8Array, count: number, bytes: Uint8Array): number;
  /** Kernel memory taken by what was sent on a unix socket and has not been read by the other side. */
  unreadBytes(fd: number): number;
  /** 1: there is something to read; 0: nothing more will come; -EAGAIN: nothing yet. Takes nothing. */
  peek(fd: number): number;
  shutdown(fd: number, how: number): number;
  sendTo(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  /** One datagram of two pieces: `head` up to `headLength`, then `bytes` from `offset` on. */
  sendParts(
    fd: number,
    head: Uint8Array,
    headLength: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number;
  /** Returns the datagram's size, which is more than `length` when its end was cut off. */
  receiveFrom(fd: number, bytes: Uint8Array, offset: number, length: number, address: Uint8Array): number;
  encodeInet(host: string, port: number, out: Uint8Array): number;
  decodeInet(address: Uint8Array, out: Uint8Array): string | number;

  /** Opens a POSIX queue; `name` without its slash. `maxMessages` 0: the system's defaults. */
  mqOpen(name: string, flags: number, mode: number, maxMessages: number, messageSize: number): number;
  mqUnlink(name: string): number;
  mqSend(fd: number, bytes: Uint8Array, offset: number, length: number, priority: number): number;
  /** Fills `out` with the priority, a uint32. */
  mqReceive(fd: number, bytes: Uint8Array, offset: number, length: number, out: Uint8Array): number;
  /** Fills `out` with int32 values: flags, most messages, largest message, messages there. */
  mqAttributes(fd: number, out: Uint8Array): number;

  msgGet(key: number, flags: number): number;
  /** `bytes` begins with the type, a native int64; `length` bytes follow it. */
  msgSend(id: number, bytes: Uint8Array, length: number, flags: number): number;
  msgReceive(id: number, bytes: Uint8Array, length: number, type: number, flags: number): number;
  /** Fills `out` with int64 values: messages, bytes, capacity, last sender and receiver, mode, key, times of both. */
  msgStat(id: number, out: Uint8Array): number;
  msgSetCapacity(id: number, bytes: number): number;
  msgRemove(id: number): number;

  /** A thread that waits on a queue and signals `eventfd` whenever its call has returned. */
  msgWaiterOpen(id: number, eventfd: number): MessageWaiter | number;
  /** Waits for a message of `type`, which stays in the queue (`-E2BIG`), unless it has no bytes (0: it was taken). */
  msgWaiterReceive(waiter: MessageWaiter, type: number): number;
  /** Sends as `msgSend` does as soon as there is room; the bytes are copied. */
  msgWaiterSend(waiter: MessageWaiter, bytes: Uint8Array, length: number): number;
  /** The result of the last call, once: `-EINPROGRESS` before, `-EAGAIN` after that. `out` gets the type of a message that was taken, an int64. */
  msgWaiterResult(waiter: MessageWaiter, out: Uint8Array): number;
  /** Cancels what is under way: `-ECANCELED`, or the result that was not asked for yet. */
  msgWaiterClose(waiter: MessageWaiter, out: Uint8Array): number;
}
