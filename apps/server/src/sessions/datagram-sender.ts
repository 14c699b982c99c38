import { SystemCallError } from '@millrace/native';
import { EAGAIN, ENOBUFS, encodeUnixAddress, syscalls } from '@millrace/native/syscalls';
import type { ChildProcessContext } from '@millrace/process-pool';
import type { ListenerIndex, Unchecked } from '../contract/ids.js';
import { showPeer } from '../links/datagram-peer.js';
import { datagramName } from '../links/descriptor-names.js';
import type { Topology } from '../links/topology.js';

/**
 * Sends datagrams to unix sockets from the listeners of this server, in a process that has less rights than the master, or
 * another root directory: a path means what it means here, and the kernel asks for the rights of this process. (Other
 * addresses are no names in a file system: the reactor thread sends there.)
 */
export class DatagramSender {
  readonly #child: ChildProcessContext;

  private constructor(child: ChildProcessContext) {
    this.#child = child;
  }

  /** Undefined where all processes have the same rights. */
  static of(child: ChildProcessContext, { datagrams }: Topology): DatagramSender | undefined {
    return datagrams.length === 0 ? undefined : new DatagramSender(child);
  }

  /** Sends one. False: slow down, the kernel had no room and has dropped this one. Throws `SystemCallError`. */
  send(listener: Unchecked<ListenerIndex>, path: string, data: Uint8Array): boolean {
    const { bytes, length } = encodeUnixAddress({ path });
    const socket = this.#child.descriptor(datagramName(listener));
    const sent = syscalls.sendTo(socket, data, 0, data.length, bytes, length);
    if (sent >= 0) return true;
    if (sent === -EAGAIN || sent === -ENOBUFS) return false;
    throw new SystemCallError('sendto', -sent, showPeer({ path }));
  }
}
