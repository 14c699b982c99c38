import { check, type InetAddress, syscalls } from '@millrace/native';
import { Listener } from '@millrace/reactor';
import { AcceptLog } from '../accept-log.js';
import { lastForClients } from '../open-files.js';
import { OwnAcceptor } from './own-acceptor.js';
import type { Thread } from './thread.js';

/**
 * Accepts clients where there is one reactor thread only: nobody has to deal them out then, and a connection costs two
 * wake-ups of the master less. The sockets are the master's; here are duplicates, closed when no more clients are to come.
 */
export class SoleAcceptor {
  readonly #thread: Thread;
  readonly #acceptor: OwnAcceptor;
  /** By listener. */
  readonly #listeners: readonly (Listener | undefined)[];

  /** Throws a `SystemCallError` where descriptors have run out. */
  constructor(thread: Thread, take: (fd: number, session: number, port: number, peer: InetAddress) => void) {
    const { index, maxConnections, startSessionId, sockets, reservedDescriptors } = thread.data;
    this.#thread = thread;
    this.#acceptor = new OwnAcceptor({
      index,
      counters: thread.allCounters,
      own: thread.counters,
      maxConnections,
      capacity: thread.table.capacity,
      firstSession: startSessionId,
      log: new AcceptLog({ warn: (kind, text) => thread.log(kind, text) }, maxConnections),
      lastDescriptor: lastForClients(reservedDescriptors),
      take,
    });
    // Now, while the master is sure to have them open.
    this.#listeners = sockets.map((fd) =>
      fd === undefined ? undefined : new Listener({ fd: duplicate(fd) }),
    );
  }

  listen(): void {
    for (const [port, listener] of this.#listeners.entries())
      if (listener !== undefined) this.#acceptor.listen(this.#thread.reactor, listener, port);
  }

  /** A connection is closed. */
  gone(session: number): void {
    this.#acceptor.gone(session);
  }

  /** Accepts no more; idempotent. */
  close(): void {
    this.#acceptor.close();
    for (const listener of this.#listeners) listener?.close();
  }
}

function duplicate(fd: number): number {
  return check(syscalls.duplicate(fd), 'fcntl', `descriptor ${fd}`);
}
