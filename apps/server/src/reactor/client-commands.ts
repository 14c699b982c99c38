import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { MAX_FILES, OUTPUT_SLACK } from '../constants.js';
import type { PeerId, SessionId } from '../contract/ids.js';
import { TOKEN_BYTES } from '../links/file-link.js';
import * as packet from '../links/packet.js';
import { lastForClients } from '../options/open-files.js';
import { CLOSING, FLAG_BOUND, FLAG_PAUSED, FLAG_PROTECTED } from '../shared/connection-layout.js';
import { COLLECTED, WRITTEN } from '../shared/trace-layout.js';
import type { Client } from './client.js';
import type { HttpClient } from './http/http-client.js';
import type { RequestDispatch } from './http/request-dispatch.js';
import type { Retirements } from './http/retirements.js';
import type { WorkerDeaths } from './http/worker-deaths.js';
import { OutputGather } from './output-gather.js';
import { PAUSE_UPGRADE, PAUSE_USER } from './pause-reasons.js';
import type { ReactorContext } from './reactor-context.js';

/** What processes ask a reactor thread to do with its clients. */
export class ClientCommands {
  readonly #context: ReactorContext;
  readonly #gather: OutputGather<Client>;
  readonly #deaths: WorkerDeaths;
  readonly #retirements: Retirements;
  readonly #requests: RequestDispatch;
  readonly #flushGather = () => this.#gather.flush();
  /** From this descriptor on files are for the server itself. */
  readonly #lastFile: number;
  /** What is asked for one client often comes in a row. */
  #latest: Client | undefined;
  /** Clients to be closed at the end of this turn. */
  #closing: Client[] = [];

  constructor(
    context: ReactorContext,
    deaths: WorkerDeaths,
    retirements: Retirements,
    requests: RequestDispatch,
  ) {
    this.#requests = requests;
    this.#context = context;
    this.#deaths = deaths;
    this.#retirements = retirements;
    this.#gather = new OutputGather<Client>(context.now, ({ session, connection }, bytes) =>
      context.trace.note(session, WRITTEN, packet.SEND, bytes, 0, connection.queuedBytes),
    );
    this.#lastFile = lastForClients(context.data.reservedDescriptors);
  }

  take(message: packet.Packet, peer: PeerId): void {
    const client = this.#clientOf(message.session);
    if (client === undefined) return this.#missed(message, peer);
    if (this.#context.trace.isOn) this.#note(message, peer);
    if (message.type === packet.SEND) return this.#send(client, message, peer);
    // Everything else comes after what was sent before; that may find the client gone.
    this.#gather.flush();
    if (client.connection.closed) return this.#missed(message, peer);
    this.#act(client, message, peer);
  }

  #note({ session, type, aux, start, end }: packet.Packet, peer: PeerId): void {
    const { trace } = this.#context;
    // A process that another has replaced has its place's number there.
    const from = this.#context.linkOf(peer)?.worker ?? peer;
    trace.note(session, COLLECTED, type, type === packet.SEND ? end - start : 0, aux, from);
  }

  /** Sends what is gathered. */
  flush(): void {
    this.#gather.flush();
  }

  /** Tells the processes that wait for room that there is some, or that the client has gone. */
  drained(client: Client, open: boolean): void {
    const { waiters } = client.rare;
    if (waiters === undefined) return;
    client.ensureRare().waiters = undefined;
    for (const peer of waiters) this.#tellDrained(peer, client.session, open);
  }

  /** The client went while this was on its way; its worker hears of that by CLOSED. */
  #missed(message: packet.Packet, peer: PeerId): void {
    if (!Number.isSafeInteger(message.session))
      throw new packet.PacketError(`${message.session} is no session.`);
    if (message.type === packet.DRAIN) this.#tellDrained(peer, message.session, false);
    if (message.type !== packet.SEND_FILE) return;
    const file = this.#takeFile(message, peer);
    if (file >= 0) closeSync(file);
  }

  /** The descriptor that a packet tells of, or a negated errno. Each has to be taken, or it stays open. */
  #takeFile({ body, start }: packet.Packet, peer: PeerId): number {
    const token = body.subarray(start, start + TOKEN_BYTES);
    return this.#context.files[peer]?.take(token) ?? -1;
  }

  #clientOf(session: SessionId): Client | undefined {
    const latest = this.#latest;
    if (latest?.session === session && !latest.connection.closed) return latest;
    this.#latest = this.#context.clients.get(session);
    return this.#latest;
  }

  #send(client: Client, { body, start, end, aux }: packet.Packet, peer: PeerId): void {
    const { socketBufferSize } = this.#context.port(client.listener);
    // A sender alone stops at socketBufferSize; beyond the slack, several do not look at what `send` says.
    if (client.connection.queuedBytes > socketBufferSize + OUTPUT_SLACK) return this.#overflow(client);
    this.#context.traffic.sent(client.listener, end - start);
    if (!this.#gather.pending) this.#context.reactor.defer(this.#flushGather);
    this.#gather.write(client, body, start, end);
    const { http } = client;
    // What others send to it belongs to no answer.
    if (http === undefined || http.link.peer !== peer) return;
    this.#answered(http, aux, end - start);
    if (http.handshake !== 0) this.#requests.learn(http, body as Buffer, start, end);
  }

  /** What is gathered is sent before any other thing is done with the client: what is noted here counts as sent. */
  #answered(client: HttpClient, aux: number, bytes: number): void {
    client.hasAnswered(aux, bytes);
    client.waiting?.go();
    if (!client.cutter.holds || client.answered !== client.sent) return;
    client.cutter.release();
    client.resumeFor(PAUSE_UPGRADE);
  }

  #overflow(client: Client): void {
    client.ensureRare().closedFor = 'output-limit';
    client.connection.destroy({ reason: 'output-limit' });
  }

  #act(client: Client, message: packet.Packet, peer: PeerId): void {
    const { slot } = client;
    switch (message.type) {
      case packet.CLOSE:
        if ((message.aux & packet.CLOSE_IF_LAST) !== 0 && !this.#isOver(client, message, peer)) return;
        client.ensureRare().closedByWorker = true;
        return this.#close(client, message.aux === 1);
      case packet.ENDED:
        return this.ended(client, peer);
      case packet.END_OUTPUT:
        if (client.http) client.http.outputEnded = true;
        return client.connection.end();
      case packet.UPGRADED:
        if (message.aux === 0) return this.#httpOf(client, message).goRaw();
        return this.#httpOf(client, message).cutMessages();
      case packet.LOST:
        return this.#deaths.lost(this.#httpOf(client, message));
      case packet.RELEASE:
        return this.#retirements.release(this.#httpOf(client, message), peer, packet.requestIn(message.aux));
      case packet.SEND_FILE:
        return this.#sendFile(client, message, peer);
      case packet.DRAIN:
        if (!client.rare.congested) return this.#tellDrained(peer, client.session, true);
        return client.addWaiter(peer);
      case packet.PAUSE:
        slot.flag(FLAG_PAUSED, true);
        return client.pauseFor(PAUSE_USER);
      case packet.RESUME:
        slot.flag(FLAG_PAUSED, false);
        return client.resumeFor(PAUSE_USER);
      case packet.PROTECT:
        return slot.flag(FLAG_PROTECTED, message.aux === 1);
      case packet.BIND:
        // Two processes may have asked at once: the first is right.
        if (slot.flags & FLAG_BOUND) return;
        return slot.change({ uid: message.aux, flags: slot.flags | FLAG_BOUND });
    }
  }

  /** Whether a client is at rest since that process has answered its last request. Else the process has no socket for it from here on. */
  #isOver({ http }: Client, { aux }: packet.Packet, peer: PeerId): boolean {
    if (http === undefined) return true;
    if (http.link.peer === peer) return http.sent === packet.requestIn(aux) && !http.hasMore;
    for (const link of http.visited) if (link.peer === peer) http.forgetVisit(link);
    return false;
  }

  #httpOf({ http, session }: Client, { type }: packet.Packet): HttpClient {
    if (http !== undefined) return http;
    throw new packet.PacketError(
      `Session ${session} has messages: a packet of type ${type} means nothing to it.`,
    );
  }

  #close(client: Client, reset: boolean): void {
    // A socket of the program is told to reset as node:net's is; of a session that says: at once.
    if (reset) return client.connection.destroy({ reset: client.http !== undefined });
    if (client.slot.state === CLOSING) return;
    client.ensureRare().movedAt = this.#context.now();
    client.slot.change({ state: CLOSING });
    if (this.#closing.length === 0) this.#context.reactor.defer(() => this.#closeSoon());
    this.#closing.push(client);
  }

  /**
   * What another process had sent before it gave the closing one cause to close lies in another ring: a task worker's
   * answer by id, say, before the result of its task. It is taken first.
   */
  #closeSoon(): void {
    const closing = this.#closing;
    this.#closing = [];
    const { channels, master } = this.#context;
    for (const channel of channels) if (channel !== master) channel.deliverNow();
    this.#gather.flush();
    for (const { connection } of closing) connection.close();
  }

  /** One worker has nothing more to send to a client that has ended its sending; when all say so, it is closed. */
  ended(client: Client, peer: PeerId): void {
    if (!client.ended(peer)) return;
    client.ensureRare().closedByWorker = true;
    this.#close(client, false);
  }

  /** The process that asks has opened the file: this thread may have more rights than that process, and sends what it was given. */
  #sendFile(client: Client, message: packet.Packet, peer: PeerId): void {
    const { session, connection } = client;
    const file = this.#takeFile(message, peer);
    const { path, offset, length } = this.#orderOf(message, file);
    const state = client.ensureRare();
    if (file >= 0 && state.files === MAX_FILES) {
      closeSync(file);
      return this.#overflow(client);
    }
    state.files++;
    try {
      if (file < 0) throw new Error(`its descriptor has not come (${getSystemErrorName(file)})`);
      if (file >= this.#lastFile) {
        closeSync(file);
        throw new Error(
          'the descriptors that are left are kept back for the server itself (reservedDescriptors)',
        );
      }
      connection.sendFile(path, {
        fd: file,
        offset,
        length,
        onSent: () => {
          state.files--;
          const { queuedBytes } = connection;
          this.#context.trace.note(session, WRITTEN, packet.SEND_FILE, length, 0, queuedBytes);
        },
      });
    } catch (error) {
      // It could be sent when it was opened. What follows must not be taken for it.
      state.files--;
      this.#context.log('send-file', `Cannot send a file to session ${session}: ${(error as Error).message}`);
      connection.destroy({ reason: 'error', error: error as Error });
    }
  }

  #orderOf(message: packet.Packet, file: number): packet.FileOrder {
    try {
      return packet.fileOrderOf(message, TOKEN_BYTES);
    } catch (error) {
      if (file >= 0) closeSync(file);
      throw error;
    }
  }

  #tellDrained(peer: PeerId, session: SessionId, open: boolean): void {
    this.#context.channels[peer]?.send(this.#context.out.set(packet.DRAINED, session, open ? 0 : 1));
  }
}
