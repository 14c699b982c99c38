import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { checkOptions, checkWaitOptions, optionNames, type WaitOptions } from '@millrace/channel';
import { WaitList } from '@millrace/channel/internal';
import type { SocketAddress } from '@millrace/reactor';
import { LARGE_OUTPUT, LARGE_OUTPUT_MARK, SEND_LIMIT } from '../constants.js';
import type { ClientInfo } from '../contract/client-info.js';
import {
  type ListenerIndex,
  type ReactorIndex,
  reactorOf,
  reactorOfListener,
  type SessionId,
  type Unchecked,
} from '../contract/ids.js';
import type { CloseOptions, SendFileRange } from '../contract/session.js';
import { ServerError } from '../errors.js';
import { encodePeer } from '../links/datagram-peer.js';
import { FileSender } from '../links/file-link.js';
import * as packet from '../links/packet.js';
import { HeldPackets, type PacketSink } from '../links/packet-sink.js';
import { cannotReceiveReplies, linkFull, sessionFull } from '../links/send-errors.js';
import { type ResolvedPort, showPort } from '../options/resolved-port.js';
import { ENDS_WORD, FLAG_BOUND, LEVEL_CLOSE, LEVEL_RESET, listenerOf } from '../shared/connection-layout.js';
import type { ConnectionTable } from '../shared/connection-table.js';
import type { Counters } from '../shared/counters.js';
import { RESPONSES } from '../shared/counters-layout.js';
import type { SessionTrace } from '../shared/session-trace.js';
import type { TlsTable } from '../shared/tls-table.js';
import { ANSWERED } from '../shared/trace-layout.js';
import { clientInfo } from './client-info.js';
import type { DatagramSender } from './datagram-sender.js';
import { type OutputWindow, OutputWindows } from './output-window.js';

const FILE_RANGE = optionNames<SendFileRange>({ offset: true, length: true });
const CLOSE_OPTIONS = optionNames<CloseOptions>({ reset: true });

/** What the session gateway of a process is made of. */
export interface SessionGatewayParts {
  /** To each reactor thread; or how many there are, where the links come later, with `connect`. */
  readonly channels: readonly PacketSink[] | number;
  /** The sockets by which files go to each reactor thread; undefined where they come later. */
  readonly fileSockets?: readonly number[];
  readonly table: ConnectionTable;
  readonly counters: Counters;
  /** Where some listener has TLS. */
  readonly tls: TlsTable | undefined;
  readonly ports: readonly ResolvedPort[];
  /** This process's part of the counters. */
  readonly own: Float64Array;
  /** Where what this process sends to a session is noted, while that is traced. */
  readonly trace: SessionTrace;
  /** Where this process has less rights than the reactor threads. */
  readonly datagrams?: DatagramSender | undefined;
  /** In base mode, in a worker: the reactor that it is, which sends its datagrams. */
  readonly reactor?: ReactorIndex | undefined;
  /** A reactor thread does not keep up with what this process sends. */
  readonly onCongestion?: (reactor: ReactorIndex) => void;
}

/** What became of bytes: sent; sent, but much waits; not sent, for too much waits; not sent, for the session is not open. */
export type Offered = 'sent' | 'enough' | 'refused' | 'closed';

/** What knows the aux of its SEND packets, and is asked once for each that is sent. */
export interface OutputSource {
  /** What does not go now is lost. */
  readonly isEnding: boolean;
  auxOf(bytes: Uint8Array, start: number, end: number, last: boolean): number;
}

/** Links that can be emptied. */
interface Resettable {
  reset(reactor: ReactorIndex): void;
}

/** What one process can do with any session by its id. The table says what is; packets to its reactor thread act. */
export class SessionGateway {
  readonly table: ConnectionTable;
  readonly counters: Counters;
  readonly trace: SessionTrace;
  #channels: readonly PacketSink[];
  readonly #files: FileSender;
  readonly #datagrams: DatagramSender | undefined;
  readonly #tls: TlsTable | undefined;
  readonly #ports: readonly ResolvedPort[];
  #own: Float64Array;
  readonly #reactor: ReactorIndex | undefined;
  readonly #onCongestion: ((reactor: ReactorIndex) => void) | undefined;
  /** What reactor threads answer is read. */
  #hears: boolean;
  /** Another process has the links to the reactor threads. */
  #retired = false;
  readonly #out = new packet.Packet();
  readonly #waits = new Map<number, Wait>();
  readonly #windows: OutputWindows;
  #links: Resettable | undefined;

  constructor(parts: SessionGatewayParts) {
    const { channels, table, counters, trace, tls, ports, own, reactor, onCongestion } = parts;
    this.#channels =
      typeof channels === 'number' ? Array.from({ length: channels }, () => new HeldPackets()) : channels;
    this.#hears = typeof channels !== 'number';
    this.#files = new FileSender(parts.fileSockets);
    this.#datagrams = parts.datagrams;
    this.table = table;
    this.counters = counters;
    this.trace = trace;
    this.#windows = new OutputWindows(table);
    this.#tls = tls;
    this.#ports = ports;
    this.#own = own;
    this.#reactor = reactor;
    this.#onCongestion = onCongestion;
  }

  /** There are links to the reactor threads now: what has been held for them goes first. */
  connect(channels: readonly PacketSink[], fileSockets: readonly number[], links: Resettable): void {
    this.#links = links;
    this.#files.connect(fileSockets);
    for (const [reactor, channel] of channels.entries()) {
      const held = this.#channels[reactor];
      if (held instanceof HeldPackets) held.release(channel);
    }
    this.#channels = channels;
  }

  /** What is sent from here on goes by other links. */
  moveTo(channels: readonly PacketSink[], fileSockets: readonly number[]): void {
    this.#channels = channels;
    this.#files.connect(fileSockets);
  }

  /** Another process has the place: its counters are that one's. */
  countNoMore(): void {
    this.#own = new Float64Array(this.#own.length);
  }

  /** In base mode: the worker that is that reactor has ended over what lay between, which is emptied for the next. Returns whether this process has its links. */
  resetLink(reactor: ReactorIndex): boolean {
    this.#links?.reset(reactor);
    return this.#links !== undefined;
  }

  /** What comes by those links is read from here on. */
  hear(): void {
    this.#hears = true;
  }

  /** The links belong to another process from now on: what is still to be sent to a session is refused. */
  retire(): void {
    this.#retired = true;
    this.#files.close();
    for (const id of [...this.#waits.keys()]) this.settle(id, false);
  }

  /**
   * Sends to a session; `window` is what this process has on the way to it, where the caller keeps account of that.
   * False: sent, but much is waiting. Undefined: the session is not open, and nothing is sent. Throws `ERR_MILLRACE_SESSION_FULL`
   * when more than `socketBufferSize` waits already, and `ERR_MILLRACE_CHANNEL_FULL`; then nothing is sent either.
   */
  send(
    id: Unchecked<SessionId>,
    bytes: Uint8Array,
    window: OutputWindow = this.#windows.get(id),
  ): boolean | undefined {
    const { table } = this;
    const slot = this.#open(id);
    if (slot < 0) return undefined;
    const { socketBufferSize, bufferHighWatermark } = this.#portOf(slot);
    const pending = window.pending(table, slot);
    if (pending > socketBufferSize) throw sessionFull(id, pending, socketBufferSize);
    const channel = this.#channel(this.#reactorOf(id));
    if (channel.queuedBytes > SEND_LIMIT) throw linkFull(channel.queuedBytes);
    this.trace.note(id, ANSWERED, packet.SEND, bytes.length, 0, 0);
    const more = channel.send(this.#out.set(packet.SEND, id).with(bytes));
    if (more === undefined) return undefined;
    window.sent(bytes.length);
    this.#own[RESPONSES] = (this.#own[RESPONSES] as number) + 1;
    if (!more) this.#onCongestion?.(this.#reactorOf(id));
    return more && pending + bytes.length <= bufferHighWatermark;
  }

  /**
   * Sends bytes of a socket, `last` when none follow them by now. Unlike `send` it never throws: a socket keeps what does not
   * go now, and goes on once `drained` says so.
   */
  offer(
    id: SessionId,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    source: OutputSource,
    window: OutputWindow,
  ): Offered {
    const { table } = this;
    const slot = this.#open(id);
    if (slot < 0) return 'closed';
    const { socketBufferSize, bufferHighWatermark } = this.#portOf(slot);
    const pending = window.pending(table, slot);
    const channel = this.#channel(this.#reactorOf(id));
    if (pending > socketBufferSize || channel.queuedBytes > SEND_LIMIT) return 'refused';
    if (end - start > LARGE_OUTPUT && !source.isEnding && this.#hears && isBusy(channel)) return 'refused';
    const aux = source.auxOf(bytes, start, end, last);
    this.trace.note(id, ANSWERED, packet.SEND, end - start, aux, 0);
    const more = channel.send(this.#out.set(packet.SEND, id, aux).with(bytes, start, end));
    if (more === undefined) return 'closed';
    window.sent(end - start);
    this.#own[RESPONSES] = (this.#own[RESPONSES] as number) + 1;
    if (!more) this.#onCongestion?.(this.#reactorOf(id));
    return more && pending + end - start <= bufferHighWatermark ? 'sent' : 'enough';
  }

  /** Says something of an open session to its reactor thread: that a socket sends no more, say. */
  tell(id: SessionId, type: number, aux = 0): void {
    if (!this.#retired) this.#tell(type, id, aux);
  }

  /**
   * Sends a regular file, or a piece of it, behind what was sent before. Answers as `send`. It is opened here,
   * with the rights and below the root directory of this process. Throws `ERR_MILLRACE_FILE`,
   * `ERR_MILLRACE_CHANNEL_FULL`, or what `openSync` throws.
   */
  sendFile(id: Unchecked<SessionId>, path: string, range: SendFileRange = {}): boolean | undefined {
    checkOptions(range, FILE_RANGE, 'sendFile');
    const { offset = 0, length } = range;
    if (this.#open(id) < 0) return undefined;
    const { file, bytes } = openFile(path, offset, length);
    const order: packet.FileOrder = { path, offset, length: bytes };
    const token = this.#files.send(this.#reactorOf(id), file);
    const body = Buffer.concat([token, Buffer.from(JSON.stringify(order))]);
    this.trace.note(id, ANSWERED, packet.SEND_FILE, bytes, 0, 0);
    return this.#channel(this.#reactorOf(id)).send(this.#out.set(packet.SEND_FILE, id).with(body));
  }

  /**
   * Resolves with true once there is room for more to send; with false when the session is not open, or closes.
   * `window` is as in `send`. Rejects with `ERR_MILLRACE_NOT_RUNNING` where no process would be told of that.
   */
  async drained(
    id: Unchecked<SessionId>,
    options?: WaitOptions,
    window: OutputWindow = this.#windows.get(id),
  ): Promise<boolean> {
    checkWaitOptions(options, 'drained()');
    options?.signal?.throwIfAborted();
    if (this.#open(id) < 0) return false;
    if (!this.#hears) throw cannotReceiveReplies(id);
    let wait = this.#waits.get(id);
    if (wait === undefined) {
      wait = { list: new WaitList<boolean>(), window };
      this.#waits.set(id, wait);
      // Behind everything that this process has sent before: the answer comes when the reactor thread has that.
      this.#tell(packet.DRAIN, id);
    }
    const { list } = wait;
    try {
      return await list.wait(`Draining session ${id}`, options);
    } finally {
      if (list.size === 0 && this.#waits.get(id) === wait) this.#waits.delete(id);
    }
  }

  /** The reactor thread says that there is room, or that the session is closed. */
  settle(id: Unchecked<SessionId>, open: boolean): void {
    const wait = this.#waits.get(id);
    if (wait === undefined) return;
    this.#waits.delete(id);
    wait.list.settleAll(open);
  }

  /** In base mode a worker has died: its sessions are closed, and nothing will be said about them. */
  settleLost(): void {
    for (const id of [...this.#waits.keys()]) if (this.table.open(id) < 0) this.settle(id, false);
  }

  /** As `settle`, for a process that takes no packets for a while: by what the table tells. */
  settleByTable(): void {
    const { table } = this;
    for (const [id, { window }] of [...this.#waits]) {
      const slot = table.open(id);
      if (slot < 0) this.settle(id, false);
      // What the reactor thread has not got yet is not in the table, but still on its way.
      else if (window.pending(table, slot) <= this.#portOf(slot).bufferLowWatermark) this.settle(id, true);
    }
  }

  /**
   * False when the session is not open, or its close has been asked for already, by any process; one that is being
   * closed can be reset still. With `reset` what waits for the client is dropped.
   */
  close(id: Unchecked<SessionId>, options: CloseOptions = {}): boolean {
    checkOptions(options, CLOSE_OPTIONS, 'close');
    const { reset = false } = options;
    if (this.#open(id) < 0 && (!reset || this.#retired || !this.table.closing(id))) return false;
    // The process that has asked before may have died before that was sent: it is sent again, and does no harm.
    this.#tell(packet.CLOSE, id, Number(reset));
    return this.table.askClose(id, reset ? LEVEL_RESET : LEVEL_CLOSE);
  }

  pause(id: Unchecked<SessionId>): boolean {
    return this.#order(packet.PAUSE, id);
  }

  resume(id: Unchecked<SessionId>): boolean {
    return this.#order(packet.RESUME, id);
  }

  /** Reads no more from the client; resolves when what it had sent before is here: with false, when it is closed. */
  async stopInput(id: SessionId): Promise<boolean> {
    // One who waits already may be answered before the reactor thread has got this.
    while (this.#waits.has(id)) await this.drained(id);
    if (!this.pause(id)) return false;
    return this.drained(id);
  }

  protect(id: Unchecked<SessionId>, on = true): boolean {
    return this.#order(packet.PROTECT, id, Number(on));
  }

  /** False when the session is not open or has been bound before. Throws `ERR_MILLRACE_OPTION`. */
  bind(id: Unchecked<SessionId>, uid: number): boolean {
    if (!Number.isInteger(uid) || uid < 0 || uid > 0xffff_ffff)
      throw new ServerError('ERR_MILLRACE_OPTION', `A uid is an integer from 0 to 4294967295, not ${uid}.`);
    const record = this.table.read(id);
    if (record === undefined || record.flags & FLAG_BOUND) return false;
    return this.#order(packet.BIND, id, uid | 0);
  }

  /** What the worker answers to END: it has nothing more to send. */
  ended(id: Unchecked<SessionId>): void {
    if (!this.#retired) this.#tell(packet.ENDED, id);
  }

  exists(id: Unchecked<SessionId>): boolean {
    return this.table.open(id) >= 0;
  }

  info(
    id: Unchecked<SessionId>,
    { ignoreClosed = false }: { readonly ignoreClosed?: boolean } = {},
  ): ClientInfo | undefined {
    return clientInfo(id, this.table, this.counters, this.#ports, this.#tls, ignoreClosed);
  }

  /**
   * Sends a datagram from a listener. False: slow down. Undefined: this process has given up its links, and nothing is sent. Throws
   * `SystemCallError` for a unix socket that cannot be reached, where `user`, `group` or `chroot` are set.
   */
  sendTo(listener: Unchecked<ListenerIndex>, to: SocketAddress, data: Uint8Array): boolean | undefined {
    const own = this.#ports[listener];
    if (own?.type !== 'datagram') {
      const why =
        listener === -1
          ? 'This server has no listener for datagrams'
          : `Listener ${listener} sends no datagrams: ${own === undefined ? 'there is none of that number' : `it listens on ${showPort(own)} for streams`}`;
      throw new ServerError(
        'ERR_MILLRACE_OPTION',
        `${why}. Add one before start: server.addListener({ type: 'datagram', … }).`,
      );
    }
    if (this.#retired) return undefined;
    if ('path' in to && this.#datagrams !== undefined) return this.#datagrams.send(listener, to.path, data);
    const channel = this.#channel(this.#reactor ?? reactorOfListener(listener, this.#channels.length));
    const address = encodePeer(to);
    const body = Buffer.concat([address, data]);
    return channel.send(this.#out.set(packet.SEND_TO, 0, address.length, listener).with(body));
  }

  /** Resolves when the reactor threads can read everything that was sent. */
  async flush(): Promise<void> {
    await Promise.all(this.#channels.map((channel) => channel.drained()));
  }

  #order(type: number, id: Unchecked<SessionId>, aux = 0): boolean {
    if (this.#open(id) < 0) return false;
    this.#tell(type, id, aux);
    return true;
  }

  #tell(type: number, id: Unchecked<SessionId>, aux = 0): void {
    this.trace.note(id, ANSWERED, type, 0, aux, 0);
    this.#channel(this.#reactorOf(id)).send(this.#out.set(type, id, aux));
  }

  /** The place of an open session that this process can reach; negative where there is none. */
  #open(id: Unchecked<SessionId>): number {
    return this.#retired ? -1 : this.table.open(id);
  }

  #portOf(slot: number): ResolvedPort {
    // A process that writes over the table can name any: the limits of one that there is hold then.
    const port = this.#ports[listenerOf(this.table.words[slot + ENDS_WORD] as number)] ?? this.#ports[0];
    return port as ResolvedPort;
  }

  #reactorOf(session: Unchecked<SessionId>): ReactorIndex {
    return reactorOf(session, this.#channels.length);
  }

  #channel(reactor: ReactorIndex): PacketSink {
    return this.#channels[reactor] as PacketSink;
  }
}

/** Who waits for room in one session, and what the first of them has on the way there. */
/**
 * Whether what is large has to wait for its turn. A link that it fills would hold up the small answers of all others, and their requests,
 * which this process does not take before there is room again.
 */
function isBusy({ queuedBytes, unreadBytes }: PacketSink): boolean {
  return queuedBytes > 0 || unreadBytes > LARGE_OUTPUT_MARK;
}

interface Wait {
  readonly list: WaitList<boolean>;
  readonly window: OutputWindow;
}

/** Opens a regular file that has the bytes asked for; `bytes`: how many they are. */
function openFile(path: string, offset: number, length: number | undefined) {
  // Without O_NONBLOCK a FIFO would keep this process until some process writes to it.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const stat = fstatSync(file);
  const bytes = length ?? stat.size - offset;
  if (stat.isFile() && inRange(offset, stat.size) && inRange(bytes, stat.size - offset))
    return { file, bytes };
  closeSync(file);
  const message = stat.isFile()
    ? `'${path}' has ${stat.size} bytes; ${bytes} bytes from ${offset} cannot be sent of it.`
    : `'${path}' is not a regular file.`;
  throw new ServerError('ERR_MILLRACE_FILE', message);
}

function inRange(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}
