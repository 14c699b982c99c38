import type { InetAddress } from '@millrace/native';
import { check, syscalls } from '@millrace/native/syscalls';
import { Listener } from '@millrace/reactor';
import { asListener, type ListenerIndex, type SessionId } from '../contract/ids.js';
import { AcceptLog } from '../log/accept-log.js';
import { lastForClients } from '../options/open-files.js';
import type { Acceptor } from './acceptor.js';
import type { ThreadAcceptor } from './host.js';
import { ownAcceptor } from './own-acceptor.js';
import type { ReactorContext } from './reactor-context.js';

/**
 * Accepts clients where there is one reactor thread only: they need not be dealt out then, and a connection costs two
 * wake-ups of the master less. The sockets are the master's; here are duplicates, closed when no more clients are to come.
 */
export class SoleAcceptor implements ThreadAcceptor {
  readonly #context: ReactorContext;
  readonly #acceptor: Acceptor;
  /** By listener. */
  readonly #listeners: (Listener | undefined)[];
  #accepts = false;

  /** Throws a `SystemCallError` where descriptors have run out. */
  constructor(
    context: ReactorContext,
    take: (fd: number, session: SessionId, listener: ListenerIndex, peer: InetAddress) => void,
  ) {
    const { index, maxConnections, startSessionId, sockets, reservedDescriptors } = context.data;
    this.#context = context;
    this.#acceptor = ownAcceptor({
      index,
      counters: context.allCounters,
      own: context.counters,
      maxConnections,
      capacity: context.table.capacity,
      firstSession: startSessionId,
      log: new AcceptLog({ warn: (kind, text) => context.log(kind, text) }, maxConnections),
      lastDescriptor: lastForClients(reservedDescriptors),
      take,
    });
    // Now, while the master is sure to have them open.
    this.#listeners = sockets.map((fd) =>
      fd === undefined ? undefined : new Listener({ fd: duplicate(fd) }),
    );
  }

  listen(): void {
    this.#accepts = true;
    for (const [port, listener] of this.#listeners.entries())
      if (listener !== undefined) this.#acceptor.listen(this.#context.reactor, listener, asListener(port));
  }

  /** Its number is the master's as well, which is of this process: so the socket is the one it names. */
  open(index: ListenerIndex, socket: number): void {
    const listener = new Listener({ fd: duplicate(socket) });
    this.#listeners[index] = listener;
    if (this.#accepts) this.#acceptor.listen(this.#context.reactor, listener, index);
  }

  shut(index: ListenerIndex): void {
    const listener = this.#listeners[index];
    if (listener === undefined) return;
    this.#listeners[index] = undefined;
    this.#acceptor.shut(listener);
  }

  /** A connection is closed. */
  gone(session: SessionId): void {
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
