import type { Server as HttpServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { ReactorIndex, SessionId } from '../contract/ids.js';
import type { Keeper, KeptRequest, WebSocketOwner } from '../contract/resumable.js';
import * as packet from '../links/packet.js';
import { isAfter } from '../reactor/http/fate.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import { PROGRESS_INSIDE, progressRequest } from '../shared/connection-layout.js';
import type { CounterBlock } from '../shared/counter-block.js';
import { DONE, REQUESTS } from '../shared/counters-layout.js';
import type { ResumeTable } from '../shared/resume-table.js';
import { TAKEN } from '../shared/trace-layout.js';
import type { AttachedServer } from '../sockets/attached-server.js';
import { IDLE_END_MS } from '../sockets/own-connections.js';
import type { ResponseLedger } from '../sockets/response-ledger.js';
import { SecureSessionSocket } from '../sockets/secure-session-socket.js';
import { SessionLink } from '../sockets/session-link.js';
import { SessionSocket } from '../sockets/session-socket.js';
import type { SocketHost } from '../sockets/socket-host.js';
import { AdoptedSessions } from './adopted-sessions.js';
import { Releases } from './releases.js';
import { Resumptions } from './resumptions.js';
import { ServedListeners, type ServedListenersParts } from './served-listeners.js';

/** The part of the time for it in which the last WebSocket is told: its client has the rest to answer. */
const GOING_AWAY_SHARE = 0.8;

const END_POLL_MS = 20;

export interface ServedSessionsParts extends ServedListenersParts {
  /** What is kept of WebSockets that can be resumed; undefined where connections end with this process. */
  readonly resumable: ResumeTable | undefined;
  /** A request has been taken. */
  readonly onRequest: () => void;
  /** Nothing that was begun is under way any more. */
  readonly onIdle: () => void;
}

/** What a connection that this process does not know begins with. */
const BEGINNINGS: ReadonlySet<number> = new Set([packet.CONNECT, packet.ADOPT, packet.RECEIVE]);

/**
 * The connections of one worker that servers of the program have: packets from reactor threads become sockets and what they read.
 * Beside {@link Sessions}, which has those that the server's own events tell of.
 */
export class ServedSessions implements SocketHost {
  readonly gateway: SessionGateway;
  /** Which servers have the connections. */
  readonly listeners: ServedListeners;
  readonly #parts: ServedSessionsParts;
  #counters: CounterBlock | undefined;
  readonly #links = new Map<SessionId, SessionLink>();
  readonly #adopted: AdoptedSessions;
  /** Closed by this side; what still comes of them was sent before the reactor thread knew that. */
  readonly #closing = new Set<SessionId>();
  readonly #resumptions: Resumptions | undefined;
  #inHand = 0;
  /** When it was told to end; 0: it was not. */
  #endsSince = 0;
  /** Once another process has the place. */
  #releases: Releases | undefined;
  #allGone: () => void = () => {};

  constructor(parts: ServedSessionsParts) {
    this.#parts = parts;
    this.gateway = parts.gateway;
    this.listeners = new ServedListeners(parts, (message, reactor) => this.received(message, reactor));
    const { gateway, resumable, log } = parts;
    this.#resumptions =
      resumable &&
      new Resumptions({
        gateway,
        table: resumable,
        log,
        release: ({ session }, taken) => this.#releases?.give(session, taken),
      });
    this.#adopted = new AdoptedSessions((id, taken) => this.#closeIdle(id, taken));
  }

  /** Connections with requests that have come whole and are not answered. */
  get inHand(): number {
    return this.#inHand;
  }

  /** This process has its place: what it does is counted there. */
  countBy(counters: CounterBlock): void {
    this.#counters = counters;
  }

  /** Another process has the place. It gets the connections, each as soon as it is between two requests. */
  retire(): void {
    this.#counters = undefined;
    const releases = new Releases(this.gateway);
    this.#releases = releases;
    this.listeners.retire();
    for (const id of this.#adopted.takeAll())
      releases.give(id, progressRequest(this.gateway.table.progress(id)));
    for (const link of this.#links.values()) releases.soon(link);
    this.#resumptions?.leave();
    this.listeners.leave();
  }

  /** Connections that this process has. */
  get size(): number {
    return this.#links.size + this.#adopted.size + (this.#releases?.pending ?? 0);
  }

  /** Resolves when no connection is left to a process that has retired. */
  async untilGone(): Promise<void> {
    while (this.size > 0)
      await new Promise<void>((resolve) => {
        this.#allGone = resolve;
      });
  }

  /**
   * No process goes on with what this one has: requests under way are finished, those that still come are answered, and each
   * connection ends with its answer.
   */
  end(): void {
    this.#endsSince = performance.now();
    for (const { ledger } of this.#links.values()) ledger?.endWithAnswer();
    this.listeners.leave();
  }

  /** Resolves when no connection is left that speaks HTTP, where no more come. */
  async untilEnded(): Promise<void> {
    while (this.#speaksHttp) {
      await setTimeout(END_POLL_MS);
      // Until then who has just had an answer may have the next request on its way.
      if (performance.now() - this.#endsSince >= IDLE_END_MS) this.#endIdle();
    }
  }

  /** {@link SocketHost} */
  get isEnding(): boolean {
    return this.#endsSince > 0;
  }

  get #speaksHttp(): boolean {
    if (this.#adopted.size > 0) return true;
    for (const { sessions } of this.listeners.servers()) if (sessions > 0) return true;
    for (const { ledger, isUpgraded } of this.#links.values())
      if (ledger !== undefined && !isUpgraded) return true;
    return false;
  }

  /** Connections that say nothing: those that Node knows as idle, and others. */
  #endIdle(): void {
    for (const id of this.#adopted.takeAll()) this.#close(id);
    for (const { server, http } of this.listeners.servers())
      if (http) (server as HttpServer).closeIdleConnections();
    for (const { ledger, bytesRead, socket } of this.#links.values())
      if (ledger !== undefined && bytesRead === 0) socket.destroy();
  }

  /** Tells WebSockets that they end here, one after the other over `ms` milliseconds. */
  goAway(ms: number): void {
    const links = [...this.#links.values()].filter(({ isUpgraded }) => isUpgraded);
    const each = (ms * GOING_AWAY_SHARE) / Math.max(1, links.length);
    for (const [index, link] of links.entries())
      globalThis.setTimeout(() => link.goAway(), each * index).unref();
  }

  #leftOne(id: SessionId): void {
    this.#releases?.over(id);
    if (this.#releases !== undefined && this.size === 0) this.#allGone();
  }

  /** A packet of a connection of a listener that {@link listeners} has. */
  received(message: packet.Packet, reactor: ReactorIndex): void {
    const { type, session: id, listener } = message;
    const link = this.#links.get(id);
    if (this.gateway.trace.isOn) this.#note(message, link);
    if (type === packet.RECEIVE) {
      this.#count(message, reactor);
      if (link !== undefined) return this.#take(link, message);
      if (this.#closing.has(id)) return;
    }
    const attached = this.listeners.at(listener);
    // Its client was told the end when the process before died: a program that saw this would answer once more.
    if (link === undefined && BEGINNINGS.has(type) && !this.gateway.exists(id)) return;
    if (link === undefined && attached === undefined) return this.#unattached(message, reactor);
    switch (type) {
      case packet.RECEIVE:
        return this.#takeUnknown(message, attached as AttachedServer, reactor);
      case packet.CONNECT:
        if (link === undefined) this.#connect(message, message.text(), attached as AttachedServer, reactor);
        return;
      case packet.ADOPT:
        if (link === undefined) this.#adopt(message, attached as AttachedServer, reactor);
        return;
      case packet.END:
        if (link === undefined) return this.#endUnknown(id);
        return run(() => link.endInput());
      case packet.FORGET:
        // It may come back before this socket is destroyed: that is another one then.
        if (link !== undefined && this.#releases === undefined) this.gone(link, false);
        return this.#closed(id, link, packet.CLOSE_REASONS[message.aux]);
      case packet.CLOSED:
        return this.#closed(id, link, packet.CLOSE_REASONS[message.aux]);
    }
  }

  #note({ type, session, aux, start, end }: packet.Packet, link: SessionLink | undefined): void {
    if (type !== packet.RECEIVE && type !== packet.END) return;
    const bytes = type === packet.RECEIVE ? end - start : 0;
    this.gateway.trace.note(session, TAKEN, type, bytes, aux, Number(link?.isUpgraded === true));
  }

  /** The program does not listen there: not yet, or no more. */
  #unattached(message: packet.Packet, reactor: ReactorIndex): void {
    const { type, session, listener } = message;
    if (this.listeners.isShut(listener)) {
      if (type === packet.CLOSED) return this.#closed(session, undefined, undefined);
      // Also of one that was closed as idle while the rest of a request was on its way: nobody else would end it.
      if (BEGINNINGS.has(type)) this.#close(session);
      return;
    }
    if (type === packet.RECEIVE) this.gateway.pause(session);
    if (this.listeners.hold(message, reactor)) return;
    this.#parts.log(`Session ${session} is closed: too much waits for a program that does not listen yet`);
    this.#close(session, true);
  }

  #connect(
    { session: id }: packet.Packet,
    remote: string,
    attached: AttachedServer,
    reactor: ReactorIndex,
  ): SessionLink | undefined {
    const { http } = attached;
    const link = new SessionLink(this, id, reactor, http);
    const socket = this.#socketOver(link, remote, attached);
    const isResumed = this.gateway.table.resumeCell(id) > 0 && this.#resumptions !== undefined && http;
    if (!isResumed && attached.drops(socket)) {
      socket.destroy();
      return undefined;
    }
    this.#links.set(id, link);
    this.#releases?.over(id);
    if (isResumed) return this.#resume(link, attached);
    // Of a stream, no process but this one can go on with what has begun.
    if (!http) this.gateway.table.setProgress(id, 1 | PROGRESS_INSIDE);
    run(() => attached.connect(link));
    return link;
  }

  #socketOver(link: SessionLink, remote: string, attached: AttachedServer) {
    const options = { remote, ...attached.socketOptions };
    if (attached.lean !== undefined) link.lean = this.#parts.lean?.leanWebSocket;
    return attached.secure
      ? new SecureSessionSocket(link, options, this.gateway.info(link.session)?.tls)
      : new SessionSocket(link, options);
  }

  /** A WebSocket of the process before, between two messages. */
  #resume(link: SessionLink, attached: AttachedServer): SessionLink | undefined {
    attached.count(link.socket);
    // What the program throws is its own error; this one goes on with what it has.
    if (this.#resumptions?.resume(link) === true) return link;
    link.goAway();
    link.socket.destroy();
    return undefined;
  }

  #take(link: SessionLink, message: packet.Packet): void {
    const { ledger } = link;
    const { aux } = message;
    if (ledger !== undefined && aux !== 0) {
      if (!link.isUpgraded) this.#takePiece(link, ledger, aux);
      else if (link.isResumable) this.#takeMessage(link, ledger, message);
    }
    try {
      if (link.reader === undefined) link.receivedOwn(message.kept());
      else link.received(message.body as Buffer, message.start, message.end);
    } catch (error) {
      throwLater(error);
    }
  }

  /** Notes which request these bytes are of, before the program sees one of them. */
  #takePiece(link: SessionLink, ledger: ResponseLedger, aux: number): void {
    const inside = (aux & packet.PIECE_ENDS) === 0;
    if ((aux & packet.PIECE_BEGINS) === 0 && inside === ledger.inside) return;
    const request = packet.requestIn(aux);
    ledger.taken = request;
    ledger.inside = inside;
    if (!inside && ledger.isWhole()) this.#counters?.add(DONE + link.reactor, 1);
    this.gateway.table.setProgress(link.session, inside ? request | PROGRESS_INSIDE : request);
    this.#countInHand(ledger);
  }

  /** The same of a WebSocket that another process can go on with. */
  #takeMessage(link: SessionLink, ledger: ResponseLedger, { aux, body, start }: packet.Packet): void {
    const inside = (aux & packet.PIECE_ENDS) === 0;
    const begins = (aux & packet.PIECE_BEGINS) !== 0;
    // Nothing of a message that has not begun comes where messages are cut.
    if (!begins && !ledger.inside) return this.#resumptions?.cannot(link);
    if (!inside) this.#counters?.add(DONE + link.reactor, 1);
    if (!begins && inside) return;
    const request = packet.requestIn(aux);
    // By the opcode of its first frame.
    if (begins) this.#resumptions?.takes(link, request, ((body[start] as number) & 0x08) === 0);
    ledger.taken = request;
    ledger.inside = inside;
    this.gateway.table.setProgress(link.session, inside ? request | PROGRESS_INSIDE : request);
    if (!inside) this.#resumptions?.tookWhole(link);
  }

  /** Bytes of a connection that this process has no socket for. */
  #takeUnknown(message: packet.Packet, attached: AttachedServer, reactor: ReactorIndex): void {
    const { session: id, aux } = message;
    const remote = this.#adopted.take(id)?.remote ?? this.#remoteOf(id);
    const request = packet.requestIn(aux);
    const isNew = (aux & packet.PIECE_BEGINS) !== 0 && this.#isAfter(request, id);
    // The one before it went down with the process before: its answer must not be taken for that one's.
    if (isNew && this.#isAfter(request - 1, id)) return this.gateway.tell(id, packet.LOST);
    // Its beginning was taken by the process before. Of a stream nothing is left then.
    if (!isNew) return attached.http ? undefined : this.#close(id, true);
    const link = this.#connect(message, remote, attached, reactor);
    if (link !== undefined) this.#take(link, message);
  }

  /** Whether `request` has not been taken by any process. */
  #isAfter(request: number, id: SessionId): boolean {
    return isAfter(request, progressRequest(this.gateway.table.progress(id)));
  }

  #remoteOf(id: SessionId): string {
    const { remoteIp = '', remotePort = 0 } = this.gateway.info(id) ?? {};
    if (remoteIp === '') return '';
    return remoteIp.includes(':') ? `[${remoteIp}]:${remotePort}` : `${remoteIp}:${remotePort}`;
  }

  /** A connection of the process before, of which nothing has come here yet. */
  #adopt(message: packet.Packet, attached: AttachedServer, reactor: ReactorIndex): void {
    const { session: id, aux } = message;
    if (this.#closing.has(id) || !this.gateway.exists(id)) return;
    if (!attached.http) return this.#adoptStream(message, attached, reactor);
    const last = packet.requestIn(aux);
    if (last !== 0 && this.#isAfter(last, id)) return this.gateway.tell(id, packet.LOST);
    if (this.gateway.table.resumeCell(id) > 0)
      return void this.#connect(message, message.text(), attached, reactor);
    this.#adopted.add(id, message.text(), attached.keepAliveMs, last);
  }

  /** What it was is gone with the process before, unless no program has seen it; its client cannot know that by anything else. */
  #adoptStream(message: packet.Packet, attached: AttachedServer, reactor: ReactorIndex): void {
    const { session } = message;
    if (this.gateway.table.progress(session) !== 0) return this.#close(session, true);
    this.#connect(message, message.text(), attached, reactor);
  }

  #endUnknown(id: SessionId): void {
    // There is nothing to answer.
    this.#adopted.take(id);
    this.gateway.ended(id);
  }

  #closed(id: SessionId, link: SessionLink | undefined, reason: packet.SessionCloseReason | undefined): void {
    this.#adopted.take(id);
    this.#closing.delete(id);
    this.#leftOne(id);
    if (link === undefined) return;
    const isBroken = reason !== 'server' && reason !== 'shutdown' && reason !== 'idle';
    run(() => link.closed(isBroken));
  }

  /** A request that is on its way here by now is served all the same, by a new socket. */
  #closeIdle(id: SessionId, taken: number): void {
    this.gateway.tell(id, packet.CLOSE, packet.pieceAux(taken, packet.CLOSE_IF_LAST));
  }

  #close(id: SessionId, reset = false): void {
    this.gateway.close(id, { reset });
    this.#closing.add(id);
  }

  /** {@link SocketHost} */
  answered(link: SessionLink, count: number): void {
    const { ledger, reactor } = link;
    if (ledger === undefined) return;
    const done = ledger.answered(count);
    if (done > 0) this.#counters?.add(DONE + reactor, done);
    this.#countInHand(ledger);
    this.#releases?.soon(link);
  }

  /** {@link SocketHost} */
  keeps(link: SessionLink, request: KeptRequest, owner: WebSocketOwner): Keeper | undefined {
    return this.#resumptions?.begin(link, request, owner);
  }

  /** {@link SocketHost} */
  handsOver({ session, ledger }: SessionLink): boolean {
    if (ledger === undefined) return false;
    if (this.#releases !== undefined) this.#releases.give(session, ledger.taken);
    else this.#closeIdle(session, ledger.taken);
    return true;
  }

  /** {@link SocketHost} */
  upgraded(link: SessionLink): void {
    const { ledger } = link;
    if (ledger === undefined) return;
    ledger.inside = false;
    this.answered(link, ledger.open);
  }

  /** {@link SocketHost} */
  gone(link: SessionLink, open: boolean): void {
    const { session, ledger, reactor } = link;
    if (this.#links.get(session) !== link) return;
    this.#links.delete(session);
    this.#resumptions?.gone(link);
    if (open) this.#closing.add(session);
    if (ledger !== undefined && ledger.open > 0) this.#counters?.add(DONE + reactor, ledger.open);
    if (ledger?.isCounted === true) this.#addInHand(-1);
    if (this.#releases !== undefined && this.size === 0) this.#allGone();
  }

  /** The end of a request is what is done once its answer has ended; every other piece is done when it is taken. */
  #count({ aux }: packet.Packet, reactor: ReactorIndex): void {
    if (aux === 0 || (aux & packet.PIECE_BEGINS) !== 0) {
      this.#counters?.add(REQUESTS, 1);
      this.#parts.onRequest();
    }
    if ((aux & packet.PIECE_ENDS) === 0) this.#counters?.add(DONE + reactor, 1);
  }

  #countInHand(ledger: ResponseLedger): void {
    const { isInHand } = ledger;
    if (isInHand === ledger.isCounted) return;
    ledger.isCounted = isInHand;
    this.#addInHand(isInHand ? 1 : -1);
  }

  #addInHand(by: 1 | -1): void {
    this.#inHand += by;
    if (this.#inHand === 0) this.#parts.onIdle();
  }
}

/** What a program's handler throws is an uncaught error, as with a socket of the kernel, and stops no other connection. */
function run(action: () => void): void {
  try {
    action();
  } catch (error) {
    throwLater(error);
  }
}

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
