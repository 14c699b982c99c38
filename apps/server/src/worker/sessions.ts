import { ChannelError, type TransportChannel, type WaitOptions } from '@millrace/channel';
import type { RingTransport } from '@millrace/shared-memory';
import { SEND_LIMIT } from '../constants.js';
import type { Handlers, PortEvents } from '../events.js';
import * as packet from '../packet.js';
import { copyOf } from './message-memory.js';
import { Session, type SessionLine } from './session.js';

/** The way to one reactor thread. */
export interface ReactorLink {
  readonly channel: TransportChannel<packet.Packet>;
  readonly transport: RingTransport;
}

/** The sessions of one worker: packets from reactor threads become events, what sessions send becomes packets. */
export class Sessions implements SessionLine {
  readonly #reactors: readonly ReactorLink[];
  readonly #handlers: (port: number) => Handlers<PortEvents>;
  readonly #onFailure: (error: unknown, session: Session) => void;
  readonly #sessions = new Map<number, Session>();
  readonly #out = new packet.Packet();
  #inFlight = 0;
  /** Reactor threads that have sent their last message. */
  #last = 0;
  #stopping = false;
  #idle: () => void = () => {};

  constructor(
    reactors: readonly ReactorLink[],
    handlers: (port: number) => Handlers<PortEvents>,
    onFailure: (error: unknown, session: Session) => void,
  ) {
    this.#reactors = reactors;
    this.#handlers = handlers;
    this.#onFailure = onFailure;
  }

  /** Takes messages from here on. */
  start(): void {
    for (const { channel } of this.#reactors) {
      // More waits to be sent than the reactor thread takes: then nothing more is asked for, until it has.
      channel.onDrain(() => {
        if (!this.#stopping) channel.resume();
      });
      channel.onMessage((message) => this.#received(message));
    }
  }

  /**
   * Takes no more messages and resolves when those in hand are done. With `drain`, first takes everything
   * that the stopping reactor threads still have for this worker.
   */
  async stop({ drain }: { readonly drain: boolean }): Promise<void> {
    if (drain) await this.#until(() => this.#last >= this.#reactors.length);
    this.#stopping = true;
    for (const { channel } of this.#reactors) channel.pause();
    await this.#until(() => this.#inFlight === 0);
  }

  /** Resolves when the reactor threads can read everything that was sent. */
  async flush(): Promise<void> {
    await Promise.all(this.#reactors.map(({ channel }) => channel.drained()));
  }

  // What sessions ask for --------------------------------------------------------------------------------------------

  send(session: Session, bytes: Uint8Array): boolean {
    const { channel } = this.#reactorOf(session);
    if (channel.queuedBytes > SEND_LIMIT) {
      throw new ChannelError(
        'ERR_MILLRACE_CHANNEL_FULL',
        `${channel.queuedBytes} bytes wait to be sent, the limit is ${SEND_LIMIT}. Wait for drained() when send() returns false.`,
      );
    }
    const more = channel.send(this.#out.set(packet.SEND, session.id).with(bytes));
    if (!more) channel.pause();
    return more;
  }

  close(session: Session): void {
    this.#reactorOf(session).channel.send(this.#out.set(packet.CLOSE, session.id));
  }

  drained(session: Session, options?: WaitOptions): Promise<void> {
    return this.#reactorOf(session).channel.drained(options);
  }

  #reactorOf(session: Session): ReactorLink {
    return this.#reactors[session.id % this.#reactors.length] as ReactorLink;
  }

  // What reactor threads say -----------------------------------------------------------------------------------------

  #received(message: packet.Packet): void {
    const { session: id, port, aux } = message;
    switch (message.type) {
      case packet.RECEIVE:
        return this.#receive(
          this.#session(id, port),
          copyOf(message.body as Buffer, message.start, message.end),
        );
      case packet.CONNECT: {
        const session = this.#session(id, port);
        session.remoteAddress = message.text();
        for (const handler of this.#handlers(port).get('connect')) this.#call(session, handler, undefined);
        return;
      }
      case packet.ADOPT:
        this.#session(id, port).remoteAddress = message.text();
        return;
      case packet.END:
        return this.#inputEnded(this.#session(id, port));
      case packet.CLOSED:
        return this.#closed(id, packet.CLOSE_REASONS[aux] as packet.SessionCloseReason);
      case packet.LAST:
        this.#last++;
        return this.#idle();
    }
  }

  #session(id: number, port: number): Session {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = new Session(id, port, '', this);
      this.#sessions.set(id, session);
    }
    return session;
  }

  #receive(session: Session, data: Buffer): void {
    for (const handler of this.#handlers(session.port).get('receive')) this.#call(session, handler, data);
  }

  /** The client waits for its answers; when there are none left, the connection is closed. */
  #inputEnded(session: Session): void {
    session.inputEnded = true;
    if (session.inFlight === 0) session.close();
  }

  #closed(id: number, reason: packet.SessionCloseReason): void {
    const session = this.#sessions.get(id);
    // A dead predecessor's: it has heard everything that this worker would say about it.
    if (session === undefined) return;
    this.#sessions.delete(id);
    session.closed = true;
    const info = { byServer: reason !== 'peer' && reason !== 'error', reason };
    for (const handler of this.#handlers(session.port).get('close')) this.#call(session, handler, info);
  }

  /** Calls a handler, and counts its promise while it is open. Its failure is the session's, not the worker's. */
  #call<A>(session: Session, handler: (session: Session, argument: A) => unknown, argument: A): void {
    let result: unknown;
    try {
      result = handler(session, argument);
    } catch (error) {
      return this.#onFailure(error, session);
    }
    if (!isPromise(result)) return;
    session.inFlight++;
    this.#inFlight++;
    const done = () => {
      session.inFlight--;
      this.#inFlight--;
      if (session.inputEnded && session.inFlight === 0) session.close();
      if (this.#inFlight === 0) this.#idle();
    };
    result.then(done, (error: unknown) => {
      this.#onFailure(error, session);
      done();
    });
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
