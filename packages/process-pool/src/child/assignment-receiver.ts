import { SystemCallError } from '@millrace/native';
import {
  check,
  EAGAIN,
  ECONNRESET,
  EINTR,
  EPOLL_CTL_ADD,
  EPOLLIN,
  syscalls,
} from '@millrace/native/syscalls';
import * as layout from '../wire/assignment-layout.js';
import type { Assignment } from '../wire/protocol.js';

export interface ReceivedAssignment {
  readonly assignment: Assignment;
  /** By name, as numbered in this process; closed on exec. */
  readonly descriptors: ReadonlyMap<string, number>;
}

/** Bytes of one event as `epollWait` fills it in. */
const EVENT_BYTES = 12;

/**
 * Waits on the control pipe for the assignment of this process; undefined when the parent has closed the pipe instead.
 *
 * The thread sleeps in the kernel meanwhile, so that no code of the user runs in an unassigned process. Throws
 * `SystemCallError`, with EMFILE when the descriptors exceed the limit of this process.
 */
export function receiveAssignment(control: number): ReceivedAssignment | undefined {
  const datagram = Buffer.allocUnsafe(layout.DATAGRAM_BYTES);
  const rights = new Int32Array(1 + layout.MAX_DESCRIPTORS);
  const fds: number[] = [];
  const pieces: Buffer[] = [];
  for (;;) {
    const received = receive(control, datagram, new Uint8Array(rights.buffer));
    if (received === 0) return undefined;
    fds.push(...rights.subarray(1, 1 + (rights[0] as number)));
    pieces.push(Buffer.from(datagram.subarray(layout.HEADER_BYTES, received)));
    if (datagram.readUInt32LE(layout.MORE_AT) === 0) break;
  }
  const assignment = JSON.parse(Buffer.concat(pieces).toString()) as Assignment;
  return {
    assignment,
    descriptors: new Map(assignment.descriptors.map((name, i) => [name, fds[i] as number])),
  };
}

/** Waits for one datagram; 0 when the parent has closed the pipe. */
function receive(control: number, datagram: Buffer, rights: Uint8Array): number {
  for (;;) {
    const received = syscalls.receiveRights(control, datagram, datagram.length, rights);
    if (received >= 0) return received;
    if (received === -ECONNRESET) return 0;
    if (received === -EAGAIN) waitUntilReadable(control);
    else if (received !== -EINTR)
      throw new SystemCallError('recvmsg', -received, 'the assignment of this process');
  }
}

/** Sleeps in the kernel until `fd` is readable; a signal may end the sleep early. */
function waitUntilReadable(fd: number): void {
  const epoll = check(syscalls.epollCreate(), 'epoll_create1');
  try {
    check(syscalls.epollControl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 'epoll_ctl');
    const woken = syscalls.epollWait(epoll, new Uint8Array(EVENT_BYTES), 1, -1);
    if (woken !== -EINTR) check(woken, 'epoll_wait');
  } finally {
    syscalls.close(epoll);
  }
}
