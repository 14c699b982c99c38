import { copyOf } from '@millrace/channel/internal';
import type { PortEvents } from '../contract/events.js';
import {
  asReactor,
  type ListenerIndex,
  type ReactorIndex,
  type SessionId,
  type Unchecked,
} from '../contract/ids.js';
import { decodePeer } from '../links/datagram-peer.js';
import * as packet from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import { GatewayPacketClient } from '../sessions/gateway-packet-client.js';
import { GatewaySession } from '../sessions/gateway-session.js';
import { OutputWindow } from '../sessions/output-window.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { CounterBlock } from '../shared/counter-block.js';
import { DONE, REQUESTS } from '../shared/counters-layout.js';
import { TAKEN } from '../shared/trace-layout.js';
import { Concurrency, WAITS_POLL_MS } from './concurrency.js';
import type { ServedSessions } from './served-sessions.js';
import type { SessionsParts } from './sessions-parts.js';

/** The sessions of one worker: packets from reactor threads become events. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #counters: CounterBlock;
  readonly #gateway: SessionGateway;
  readonly #served: ServedSessions | undefined;
  readonly #sessions = new Map<number, GatewaySession>();
  /** Messages of one session often come in a row. */
  #latest: GatewaySession | undefined;
  /** By listener; every one has some. */
  readonly #receivers: (readonly PortEvents['receive'][])[] = [];
  readonly #concurrency: Concurrency;
  readonly #out = new packet.Packet();
  #inFlight = 0;
  /** Messages that may still be taken. */
  #left: number;
  /** Reactor threads that have sent their last message; one that had to introduce this process says it again. */
  readonly #last = new Set<ReactorIndex>();
  /** Those that send nothing more here, for this process gives its place up. */
  readonly #retired = new Set<ReactorIndex>();
  #stopping = false;
  #idle: () => void = () => {};

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#counters = parts.counters;
    this.#gateway = parts.gateway;
    this.#served = parts.served;
    this.#concurrency = new Concurrency(parts.maxConcurrency, parts.channels, parts.gateway);
    this.#left = parts.maxRequests;
  }

  /** Handlers whose promises are open, and connections with requests that are not answered. */
  get inFlight(): number {
    return this.#inFlight + (this.#served?.inHand ?? 0);
  }

  /** Takes messages from here on. */
  start(): void {
    for (const [index, channel] of this.#parts.channels.entries()) {
      const reactor = asReactor(index);
      // More waits to be sent than the reactor thread takes: then nothing more is asked for, until it has.
      channel.on('drain', () => this.#concurrency.resume(this.#parts.source ?? channel));
      channel.on('message', (message) => this.received(message, reactor));
    }
  }

  get(id: number): GatewaySession | undefined {
    return this.#sessions.get(id);
  }

  /**
   * Takes no more messages and resolves when those in hand are done. With `drain`, first takes everything
   * that the stopping reactor threads still have for this worker, and calls `drained`.
   */
  async stop({ drain, drained }: { readonly drain: boolean; readonly drained?: () => void }): Promise<void> {
    const { channels } = this.#parts;
    if (drain) {
      // No process comes after this one.
      this.#left = Number.POSITIVE_INFINITY;
      // No message follows the last one, but the answers to handlers that wait for room do.
      await this.#until(() => this.#last.size >= channels.length);
      drained?.();
      return this.#until(() => this.inFlight === 0);
    }
    this.#stopping = true;
    this.#concurrency.stop();
    // A large message may have come in part: the rest of it is not for any other process.
    await Promise.all(channels.map((channel) => channel.finishReading()));
    // Those answers lie behind messages that are the replacement's: the table tells as well.
    const poll = setInterval(() => this.#gateway.settleByTable(), WAITS_POLL_MS);
    try {
      await this.#until(() => this.inFlight === 0);
    } finally {
      clearInterval(poll);
    }
  }

  /** Reads what comes before RETIRED; resolves when handlers of what was read are over. Connections of servers go on. */
  async retire(): Promise<void> {
    await this.#until(() => this.#retired.size >= this.#parts.channels.length);
    this.#stopping = true;
    await this.#until(() => this.#inFlight === 0);
  }

  /** What comes from a reactor thread, by whichever link. */
  received(message: packet.Packet, reactor: ReactorIndex): void {
    const { session: id, listener, aux } = message;
    if (this.#served?.listeners.has(listener) === true && packet.isOfSession(message.type))
      return this.#served.received(message, reactor);
    switch (message.type) {
      case packet.RECEIVE:
        this.#gateway.trace.note(id, TAKEN, packet.RECEIVE, message.end - message.start, 0, 0);
        return this.#receive(this.#session(id, listener), message.kept(), reactor);
      case packet.CONNECT: {
        const session = this.#session(id, listener);
        session.remoteAddress = message.text();
        return this.#emit('connect', session, undefined);
      }
      case packet.ADOPT:
        this.#session(id, listener).remoteAddress = message.text();
        return;
      case packet.END:
        this.#gateway.trace.note(id, TAKEN, packet.END, 0, 0, 0);
        return this.#inputEnded(this.#session(id, listener));
      case packet.CLOSED:
        return this.#closed(id, listener, packet.CLOSE_REASONS[aux] as packet.SessionCloseReason);
      case packet.FORGET:
        return void this.#forget(id);
      case packet.BUFFER_FULL:
        return this.#emit('bufferFull', this.#session(id, listener), undefined);
      case packet.BUFFER_EMPTY:
        return this.#emit('bufferEmpty', this.#session(id, listener), undefined);
      case packet.DRAINED:
        return this.#gateway.settle(id, aux === 0);
      case packet.ASK_TAKEN:
        return this.#sayTaken(reactor, aux);
      case packet.DATAGRAM:
        return this.#packet(message, reactor);
      case packet.RETIRED:
        return this.#readUpTo(reactor, aux);
      case packet.LAST:
        this.#last.add(reactor);
        return this.#idle();
    }
  }

  /** What follows by this link is for the next process. What a process before this one has asked for means nothing. */
  #readUpTo(reactor: ReactorIndex, pid: number): void {
    if (pid !== process.pid) return;
    this.#concurrency.end(this.#parts.channels[reactor] as PacketChannel);
    this.#retired.add(reactor);
    this.#idle();
  }

  /** What was sent before this has been taken: its clients may send as much again. */
  #sayTaken(reactor: ReactorIndex, last: number): void {
    this.#parts.channels[reactor]?.send(this.#out.set(packet.TAKEN, 0, last));
  }

  #session(id: SessionId, listener: ListenerIndex): GatewaySession {
    if (this.#latest?.id === id) return this.#latest;
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = this.#newSession(id, listener);
      this.#sessions.set(id, session);
    }
    this.#latest = session;
    return session;
  }

  #newSession(id: SessionId, listener: ListenerIndex): GatewaySession {
    const { table } = this.#gateway;
    return new GatewaySession(id, listener, this.#gateway, new OutputWindow(table, table.slot(id)));
  }

  #receiversOf(listener: Unchecked<ListenerIndex>): readonly PortEvents['receive'][] {
    this.#receivers[listener] ??= this.#parts.handlers(listener).get('receive');
    return this.#receivers[listener];
  }

  #receive(session: GatewaySession, data: Buffer, reactor: ReactorIndex): void {
    this.#count(REQUESTS);
    this.#left--;
    let open: Promise<void>[] | undefined;
    for (const handler of this.#receiversOf(session.port)) {
      const promise = this.#call(session, handler, data, session);
      if (promise) open = open === undefined ? [promise] : [...open, promise];
    }
    this.#finished(open, reactor);
  }

  #packet(message: packet.Packet, reactor: ReactorIndex): void {
    this.#count(REQUESTS);
    this.#left--;
    const { listener, start, aux } = message;
    const address = decodePeer(message.body as Buffer, start, start + aux);
    const client = new GatewayPacketClient(this.#gateway, address, listener);
    const data = copyOf(message.body as Buffer, start + aux, message.end);
    let open: Promise<void>[] | undefined;
    for (const handler of this.#parts.handlers(listener).get('packet')) {
      const promise = this.#call(data, handler, client, undefined);
      if (promise) open = open === undefined ? [promise] : [...open, promise];
    }
    this.#finished(open, reactor);
  }

  /** A server of the program has taken a request. */
  requestTaken(): void {
    if (--this.#left <= 0 && !this.#stopping) this.#allTaken();
  }

  /** What was in hand has ended. */
  idle(): void {
    if (this.inFlight === 0) this.#idle();
  }

  /** A message of `reactor` is done when all of its handlers are: what the dispatch modes by load go by. */
  #finished(open: Promise<void>[] | undefined, reactor: ReactorIndex): void {
    if (open === undefined) this.#count(DONE + reactor);
    else {
      this.#concurrency.begun();
      const all = open.length === 1 ? (open[0] as Promise<void>) : Promise.all(open);
      void all.then(() => {
        this.#count(DONE + reactor);
        this.#concurrency.ended();
      });
    }
    if (this.#left <= 0 && !this.#stopping) this.#allTaken();
  }

  /** As many messages have been taken as may be: what comes after this one stays in its ring, where nothing else ends it. */
  #allTaken(): void {
    this.#stopping = true;
    if (!this.#parts.retires) this.#concurrency.stop();
    this.#parts.onServed();
  }

  /** The client waits for its answers; when there are none left, the connection is closed. */
  #inputEnded(session: GatewaySession): void {
    session.inputEnded = true;
    this.#endIfDone(session);
  }

  #endIfDone(session: GatewaySession): void {
    if (!session.inputEnded || session.inFlight > 0 || session.closed) return;
    session.closed = true;
    this.#gateway.ended(session.id);
  }

  #closed(id: SessionId, listener: ListenerIndex, reason: packet.SessionCloseReason): void {
    // One that this worker does not know was its predecessor's, which has not read this: no other process tells of its end.
    const session = this.#forget(id) ?? this.#newSession(id, listener);
    session.closed = true;
    this.#emit('close', session, { byServer: reason !== 'peer' && reason !== 'error', reason });
  }

  #forget(id: SessionId): GatewaySession | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    this.#sessions.delete(id);
    if (this.#latest === session) this.#latest = undefined;
    session.closed = true;
    this.#gateway.settle(id, false);
    return session;
  }

  #emit<Name extends 'connect' | 'close' | 'bufferFull' | 'bufferEmpty'>(
    name: Name,
    session: GatewaySession,
    argument: Parameters<PortEvents[Name]>[1],
  ): void {
    for (const handler of this.#parts.handlers(session.port).get(name))
      this.#call(
        session,
        handler as (session: GatewaySession, argument: unknown) => unknown,
        argument,
        session,
      );
  }

  /**
   * Calls a handler, and counts its promise while it is open: then the promise that is returned resolves, and never
   * rejects. The failure of a handler is its session's, not the worker's.
   */
  #call<A, B>(
    first: A,
    handler: (first: A, second: B) => unknown,
    second: B,
    session: GatewaySession | undefined,
  ): Promise<void> | undefined {
    let result: unknown;
    try {
      result = handler(first, second);
    } catch (error) {
      this.#parts.onFailure(error, session);
      return undefined;
    }
    return isPromise(result) ? this.#open(result, session) : undefined;
  }

  /** By `then`: an asynchronous function would make two more promises for each message. */
  #open(result: PromiseLike<unknown>, session: GatewaySession | undefined): Promise<void> {
    if (session) session.inFlight++;
    this.#inFlight++;
    return Promise.resolve(result).then(
      () => this.#over(session),
      (error) => {
        try {
          this.#parts.onFailure(error, session);
        } finally {
          this.#over(session);
        }
      },
    );
  }

  #over(session: GatewaySession | undefined): void {
    this.#inFlight--;
    if (session) {
      session.inFlight--;
      this.#endIfDone(session);
    }
    this.idle();
  }

  /** Each counter has this worker alone as its writer. */
  #count(counter: number): void {
    this.#counters.add(counter, 1);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
