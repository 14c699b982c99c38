import { type Bytes, bytesOrText, shown, type WaitOptions } from '@millrace/channel';
import type { SocketAddress } from '@millrace/reactor';
import type { ClientInfo } from '../contract/client-info.js';
import type { CloseOptions, SendFileRange } from '../contract/session.js';
import { ServerError } from '../errors.js';
import type { PeerIdentity } from '../links/peer-identity.js';
import { notStarted } from '../process/wrong-role.js';
import type { GatewaySession } from '../sessions/gateway-session.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { Port } from './port.js';
import { type ServerStats, serverStats } from './stats.js';

/** A page of `getClientList`. */
const LIST_COUNT = 10;

/** What a process has for sessions. */
export interface SessionAccess {
  /** Opens it where it is not open yet; undefined where the server does not run. */
  openGateway(): SessionGateway | undefined;
}

/** Sessions that belong to this process, by their ids; in a worker, once it serves. */
export interface OwnSessions {
  readonly sessions: { get(id: number): GatewaySession | undefined } | undefined;
}

/**
 * Clients by their session ids, in any process of the server. Whether a session is open, and all that is told of it, is
 * read from shared memory; what is to happen is said to the reactor thread that owns it. Methods are as those of `Server`.
 */
export class Clients {
  readonly #access: SessionAccess;
  readonly #own: OwnSessions | undefined;
  readonly #listeners: readonly Port[];
  readonly #identity: PeerIdentity;

  /** `own`: in a worker. */
  constructor(
    access: SessionAccess,
    own: OwnSessions | undefined,
    listeners: readonly Port[],
    identity: PeerIdentity,
  ) {
    this.#access = access;
    this.#own = own;
    this.#listeners = listeners;
    this.#identity = identity;
  }

  send(id: number, data: string | Bytes): boolean | undefined {
    assertSessionId(id);
    const session = this.#session(id);
    if (session) return session.send(data);
    return this.#gateway('send').send(id, bytesOrText(data));
  }

  sendFile(id: number, path: string, range?: SendFileRange): boolean | undefined {
    assertSessionId(id);
    return this.#gateway('sendFile').sendFile(id, path, range);
  }

  drained(id: number, options?: WaitOptions): Promise<boolean> {
    assertSessionId(id);
    return this.#session(id)?.drained(options) ?? this.#gateway('drained').drained(id, options);
  }

  close(id: number, options?: CloseOptions): boolean {
    assertSessionId(id);
    const open = this.#gateway('close').close(id, options);
    const session = this.#session(id);
    if (session) session.closed = true;
    return open;
  }

  pause(id: number): boolean {
    assertSessionId(id);
    return this.#gateway('pause').pause(id);
  }

  resume(id: number): boolean {
    assertSessionId(id);
    return this.#gateway('resume').resume(id);
  }

  protect(id: number, on: boolean): boolean {
    assertSessionId(id);
    return this.#gateway('protect').protect(id, on);
  }

  bind(id: number, uid: number): boolean {
    assertSessionId(id);
    return this.#gateway('bind').bind(id, uid);
  }

  exists(id: number): boolean {
    return this.#gateway('exists').exists(id);
  }

  info(id: number, options?: { readonly ignoreClosed?: boolean }): ClientInfo | undefined {
    return this.#gateway('getClientInfo').info(id, options);
  }

  list(after = 0, count = LIST_COUNT): number[] {
    return this.#gateway('getClientList').table.list(after).slice(0, count);
  }

  all(): IterableIterator<number> {
    return this.#gateway('connections').table.list(0).values();
  }

  stats(): ServerStats {
    const { topology, workerId } = this.#identity;
    return serverStats(this.#gateway('stats').counters, topology, workerId);
  }

  addresses(): readonly { readonly host: string; readonly port: number; readonly path?: string }[] {
    const { counters } = this.#gateway('addresses');
    return this.#listeners.flatMap(({ options: { host, path, late } }, index) => {
      const port = counters.port(index);
      if (late) return port === 0 ? [] : [{ host, port }];
      return [path === undefined ? { host, port } : { host: '', port: 0, path }];
    });
  }

  sendTo(to: SocketAddress, data: string | Bytes, port: number | undefined): boolean | undefined {
    const from = port ?? this.#listeners.findIndex(({ options }) => options.type === 'datagram');
    return this.#gateway('sendTo').sendTo(from, to, bytesOrText(data));
  }

  /** This worker's own object for a session, if it has one. */
  #session(id: number): GatewaySession | undefined {
    return this.#own?.sessions?.get(id);
  }

  #gateway(member: string): SessionGateway {
    const gateway = this.#access.openGateway();
    if (gateway === undefined) throw notStarted(member);
    return gateway;
  }
}

/** Throws `ERR_MILLRACE_SESSION_ID` for what no session can be called; one that is closed, or never was, is no error. */
export function assertSessionId(id: unknown): void {
  if (Number.isSafeInteger(id) && (id as number) > 0) return;
  throw new ServerError(
    'ERR_MILLRACE_SESSION_ID',
    `A session's id is a whole number from 1 on, as session.id is; not ${shown(id)}.`,
  );
}
