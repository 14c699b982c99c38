import { type Bytes, bytesOrText, shown, type WaitOptions } from '@millrace/channel';
import type { SocketAddress } from '@millrace/reactor';
import type { Session } from '../contract/session.js';
import { ServerError } from '../errors.js';
import type { Topology } from '../links/topology.js';
import type { ClientInfo } from '../sessions/client-info.js';
import type { CloseOptions, SendFileRange, SessionGateway } from '../sessions/session-gateway.js';
import type { Port } from './port.js';
import { ServerTimers } from './server-timers.js';
import { type ServerStats, serverStats } from './stats.js';

/** A page of `getClientList`. */
const LIST_COUNT = 10;

/**
 * What a server does with its clients by their session ids, in any of its processes. Whether a session is open, and all
 * that is told of it, is read from shared memory; what is to happen is said to the reactor thread that owns it.
 */
export abstract class ServerClients extends ServerTimers {
  /** The means of this process. Throws `ERR_MILLRACE_NOT_RUNNING` before the start. */
  protected abstract clients(member: string): SessionGateway;
  /** This worker's own object for a session, if it has one. */
  protected abstract sessionOf(id: number): Session | undefined;
  protected abstract get topology(): Topology;
  protected abstract get listeners(): readonly Port[];
  abstract get workerId(): number | undefined;

  /**
   * Sends to a client. True: go on. False: sent, but much waits for the client, and `drained` tells when to go on; or
   * the session is not open, and nothing is sent. Throws `ERR_MILLRACE_SESSION_FULL` when more than `socketBufferSize`
   * waits already. Several processes that send to one client have no order among each other.
   */
  send(id: number, data: string | Bytes): boolean {
    checkSessionId(id);
    const session = this.sessionOf(id);
    if (session) return session.send(data);
    return this.clients('send').send(id, bytesOrText(data));
  }

  /** Sends a regular file, or a piece of it. As `session.sendFile`. */
  sendFile(id: number, path: string, range?: SendFileRange): boolean {
    checkSessionId(id);
    return this.clients('sendFile').sendFile(id, path, range);
  }

  /**
   * Resolves with true when there is room for more to send, with false when the session is not open or closes. Rejects
   * with `ERR_MILLRACE_NOT_RUNNING` in a worker whose `workerStart` is not over: the answers of reactor threads would come
   * to the worker before it.
   */
  async drained(id: number, options?: WaitOptions): Promise<boolean> {
    checkSessionId(id);
    return this.sessionOf(id)?.drained(options) ?? this.clients('drained').drained(id, options);
  }

  /**
   * Closes a connection after everything sent before has gone out, or at once with `reset`, which may follow on a close that
   * waits for its client. False: not open, or some process has asked for that before.
   */
  close(id: number, options?: CloseOptions): boolean {
    checkSessionId(id);
    const open = this.clients('close').close(id, options);
    const session = this.sessionOf(id);
    if (session) session.closed = true;
    return open;
  }

  /** Reads no more from a client until `resume`. False: the session is not open. */
  pause(id: number): boolean {
    checkSessionId(id);
    return this.clients('pause').pause(id);
  }

  resume(id: number): boolean {
    checkSessionId(id);
    return this.clients('resume').resume(id);
  }

  /** Exempts a client from the limits of idle time. False: the session is not open. */
  protect(id: number, on = true): boolean {
    checkSessionId(id);
    return this.clients('protect').protect(id, on);
  }

  /** Gives a session a uid, for `dispatchMode: 'uid'`; once. False: not open, or bound before. */
  bind(id: number, uid: number): boolean {
    checkSessionId(id);
    return this.clients('bind').bind(id, uid);
  }

  /** Whether the session is open. */
  exists(id: number): boolean {
    return this.clients('exists').exists(id);
  }

  /** What is known of a client; undefined when it is not open. A closed one's stays readable for a while. */
  getClientInfo(id: number, options?: { readonly ignoreClosed?: boolean }): ClientInfo | undefined {
    return this.clients('getClientInfo').info(id, options);
  }

  /** Up to `count` open sessions with an id above `after`, in ascending order; empty when there are no more. */
  getClientList(after = 0, count = LIST_COUNT): number[] {
    return this.clients('getClientList').table.list(after).slice(0, count);
  }

  /** The ids of all open sessions, as they are when the iteration begins. */
  get connections(): IterableIterator<number> {
    return this.clients('connections').table.list(0).values();
  }

  /** What the server has counted since its start. */
  stats(): ServerStats {
    return serverStats(this.clients('stats').counters, this.topology, this.workerId);
  }

  /** Where the server listens, in the order of the listeners; ports that were 0 are the real ones. */
  get addresses(): readonly { readonly host: string; readonly port: number; readonly path?: string }[] {
    const { counters } = this.clients('addresses');
    return this.listeners.map(({ options: { host, path } }, index) =>
      path === undefined ? { host, port: counters.port(index) } : { host: '', port: 0, path },
    );
  }

  /**
   * Sends a datagram from a listener: the first that is for datagrams, unless `port` names another by its index. False:
   * much waits to be sent. A datagram that the kernel has no room for is dropped and counted (`stats().droppedPackets`).
   */
  sendTo(to: SocketAddress, data: string | Bytes, { port }: { readonly port?: number } = {}): boolean {
    const from = port ?? this.listeners.findIndex(({ options }) => options.type === 'datagram');
    return this.clients('sendTo').sendTo(from, to, bytesOrText(data));
  }
}

/** Throws `ERR_MILLRACE_SESSION_ID` for what no session can be called; one that is closed, or never was, is no error. */
function checkSessionId(id: unknown): void {
  if (Number.isSafeInteger(id) && (id as number) > 0) return;
  throw new ServerError(
    'ERR_MILLRACE_SESSION_ID',
    `A session's id is a whole number from 1 on, as session.id is; not ${shown(id)}.`,
  );
}
