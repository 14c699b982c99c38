import type { Codec, Frame } from '@millrace/channel';
import { copyOf, takeOver, WordCopier } from '@millrace/channel/internal';
import {
  asPeer,
  asWorker,
  type ListenerIndex,
  type PeerId,
  type ReactorIndex,
  type SessionId,
  type Unchecked,
  type WorkerId,
} from '../contract/ids.js';

export { CLOSE_REASONS, type SessionCloseReason } from '../contract/close-reasons.js';

/**
 * What travels between the master, its reactor threads and the workers: a head of 16 bytes and a body.
 *
 *   byte  0      1      2             4          8                     16
 *         ┌──────┬──────┬─────────────┬──────────┬─────────────────────┬──── … ──┐
 *         │ TYPE │ LSTN │ 0           │ AUX      │ SESSION             │ body    │
 *         └──────┴──────┴─────────────┴──────────┴─────────────────────┴──── … ──┘
 *           u8     u8                   int32      float64, an integer
 *
 * LSTN is the index of the listener. Both sides run on one machine, so numbers are in its own byte order.
 */
export const HEAD_BYTES = 16;

/** Reactor thread → worker. */
export const CONNECT = 1; // body: remote address
export const RECEIVE = 2; // body: one message
export const END = 3; // the client sends no more; the worker answers ENDED when it has nothing more to send
export const CLOSED = 4; // aux: index in CLOSE_REASONS; the worker calls its handlers
export const ADOPT = 5; // as CONNECT, to the replacement of a dead worker: the connection is not new
export const LAST = 6; // the server is stopping: no message comes after this one
export const FORGET = 7; // as CLOSED, to a worker that had messages of the session but is not its own: no handlers
export const BUFFER_FULL = 8; // more than the high-water mark waits for the client
export const BUFFER_EMPTY = 9;
export const DRAINED = 10; // the answer to DRAIN; aux 1: the session is closed
export const DATAGRAM = 11; // aux: bytes of the sender's address in the body, before the datagram
export const ASK_TAKEN = 12; // aux: the number of the last message before this; the worker answers TAKEN
export const RETIRED = 13; // the answer to RETIRE, by both links, aux as there: what follows by its main link is for the next process
/** Any process → reactor thread. */
export const SEND = 16; // body: bytes for the client
export const CLOSE = 17; // aux 1: what waits for the client is dropped; or a pieceAux with CLOSE_IF_LAST
export const SEND_FILE = 18; // body: the token of the file (file-link.ts), then JSON, a FileOrder
export const PAUSE = 19;
export const RESUME = 20;
export const PROTECT = 21; // aux: 1 or 0
export const BIND = 22; // aux: uid
export const DRAIN = 23; // say DRAINED once there is room for the client
export const ENDED = 24; // the answer to END
export const SEND_TO = 25; // as DATAGRAM, from `listener`
export const TAKEN = 26; // the answer to ASK_TAKEN, of a worker: aux as there
export const UPGRADED = 27; // the session speaks HTTP no more, both ways; aux 1, later: it is a WebSocket that another process can resume
export const END_OUTPUT = 28; // nothing more is sent after what was sent before; the client is still read from
export const RETIRE = 29; // the worker gives its place up: its connections get their messages by its aside link; aux: its pid
export const RELEASE = 30; // the connection may go to the process that has the place; aux: requests taken
export const LOST = 31; // the request that ADOPT named has never come: its client cannot be answered
/** Master → reactor thread. */
export const ACCEPTED = 32; // aux: descriptor; body: remote port and host
export const WORKER_REPLACED = 33; // aux: worker id
export const QUIESCE = 34; // read no more from clients, and tell the workers with LAST
export const STOP = 35; // aux: milliseconds for what is still to be sent, see `toStopTime`
export const KEYS_CHANGED = 36; // in base mode: there are other keys and certificates
export const RESET = 38; // aux: a peer whose process has ended: what lies between is emptied, and used on
export const LISTEN = 37; // accept clients: to the only reactor thread
export const WORKER_DIED = 39; // aux: peer, a worker or an aside; no other process has its place before WORKER_SETTLED
export const OPEN_LISTENER = 40; // aux: its socket; body: its protocol and address; a program listens there from now on
export const CLOSE_LISTENER = 41;
export const RESIZE = 43; // aux: workers that get something from now on; the others get LAST
export const WORKER_GONE = 44; // aux: worker; no process will have its place, which is empty; session 1: it was not read to its end
export const ENTER_LOOP = 42; // a program listens with TLS: what that is comes by the thread's own port, in Node's loop
/** Reactor thread → master. */
export const READY = 48;
export const GONE = 49; // a connection is closed
export const LOG = 50; // aux: session's port; body: kind, tab, text
export const CORRUPT = 51; // aux: a peer whose messages make no sense; session: the reactor; body: why
export const RESET_DONE = 52; // aux: the peer
export const RESIZED = 54; // the answer to RESIZE
export const WORKER_SETTLED = 53; // the answer to WORKER_DIED: its clients have been told

/** Whether a packet tells a reactor thread to do something with a client. */
export const isForClient = (type: number): boolean =>
  (type >= SEND && type < SEND_TO) ||
  type === UPGRADED ||
  type === END_OUTPUT ||
  type === LOST ||
  type === RELEASE;

/** Whether a packet from a reactor thread tells of what a client did: its listener says whose it is. */
export const isOfSession = (type: number): boolean => type <= BUFFER_EMPTY && type !== LAST;

/**
 * The aux of SEND, where requests are cut: how many answers end with these bytes (from bit 1 on), then whether they hold the
 * beginning of another one that does not end in them (bit 0). An interim response, like 100, is 0.
 */
export const responseAux = (ended: number, begun: boolean): number => (ended << 1) | Number(begun);
export const responsesEnded = (aux: number): number => aux >>> 1;
export const responseBegun = (aux: number): boolean => (aux & 1) !== 0;

/**
 * The aux of RECEIVE, where requests are cut: the number of the request in its session, counted from 1 modulo 2^24, and whether
 * these bytes begin and end it. Messages of a WebSocket that can be resumed are counted on. Also of ADOPT: the last request that was sent to the worker.
 */
export const REQUEST_MASK = 0xff_ffff;
export const PIECE_BEGINS = 1;
export const PIECE_ENDS = 2;
/** A close that is meant only if that request is the last that was sent: the connection is idle as far as its worker knows. */
export const CLOSE_IF_LAST = 2;
export const pieceAux = (request: number, flags: number): number => ((request & REQUEST_MASK) << 2) | flags;
export const requestIn = (aux: number): number => (aux >>> 2) & REQUEST_MASK;

/** A file that is to be sent, which is open. */
export interface FileOrder {
  /** For messages to people. */
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** The order in a SEND_FILE, behind the `from` bytes of the file's token. Throws {@link PacketError} for a body that no process of this server sends. */
export function fileOrderOf({ body, start, end }: Packet, from: number): FileOrder {
  let order: unknown;
  try {
    order = JSON.parse((body as Buffer).toString('utf8', start + from, end));
  } catch (cause) {
    throw new PacketError('The order of a file is not JSON.', { cause });
  }
  const { path, offset, length } = (order ?? {}) as Partial<FileOrder>;
  if (typeof path === 'string' && isCount(offset) && isCount(length)) return { path, offset, length };
  throw new PacketError('The order of a file has no path, offset and length.');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** One packet; instances are reused, so a caller that needs its body longer copies it. */
export class Packet {
  type = 0;
  listener = 0 as ListenerIndex;
  aux = 0;
  session = 0 as SessionId;
  body: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** The memory of the body is the receiver's to keep. Only within one process: what comes from another one lies in memory that both use. */
  own = false;

  /** Makes this a packet without a body. */
  set(type: number, session: Unchecked<SessionId>, aux = 0, listener: Unchecked<ListenerIndex> = 0): this {
    this.type = type;
    this.listener = listener as ListenerIndex;
    this.aux = aux;
    this.session = session as SessionId;
    this.body = NOTHING;
    this.start = this.end = 0;
    this.own = false;
    return this;
  }

  with(body: Uint8Array, start = 0, end = body.length): this {
    this.body = body;
    this.start = start;
    this.end = end;
    return this;
  }

  /** The body in memory that a handler may keep. */
  kept(): Buffer {
    return (this.own ? takeOver : copyOf)(this.body as Buffer, this.start, this.end);
  }

  text(): string {
    return (this.body as Buffer).toString('utf8', this.start, this.end);
  }
}

/** The peer, or the worker, that the aux of a packet names. */
export const peerIn = ({ aux }: Packet): PeerId => asPeer(aux);
export const workerIn = ({ aux }: Packet): WorkerId => asWorker(aux);
/** CORRUPT has the number of a reactor where others have a session; both ways. */
export const reactorIn = ({ session }: Packet): ReactorIndex => session as number as ReactorIndex;
export const inPlaceOfSession = (reactor: ReactorIndex): number => reactor;

/** A packet that no process of this server sends: the one that did has written where it must not. */
export class PacketError extends Error {
  override readonly name = 'PacketError';
}

const NOTHING = Buffer.alloc(0);

/** Packets to bytes and back, without allocating: `decode` gives the same instance each time. */
export function packetCodec(): Codec<Packet> {
  const memory = new ArrayBuffer(HEAD_BYTES);
  const head = new Uint8Array(memory);
  const aux = new Int32Array(memory, 4, 1);
  const session = new Float64Array(memory, 8, 1);
  const heads = new WordCopier(head);
  const received = new Packet();
  return {
    name: 'packet',
    encode(packet: Packet, frame: Frame) {
      head[0] = packet.type;
      head[1] = packet.listener;
      aux[0] = packet.aux;
      session[0] = packet.session;
      frame.setBody(packet.body, packet.start, packet.end);
      frame.head = head;
      frame.headLength = HEAD_BYTES;
    },
    decode(bytes: Buffer, start: number, end: number) {
      if (end - start < HEAD_BYTES)
        throw new PacketError(`A packet has ${HEAD_BYTES} bytes or more, not ${end - start}.`);
      heads.copy(bytes, start, start + HEAD_BYTES, 0);
      received.type = head[0] as number;
      received.listener = head[1] as ListenerIndex;
      received.aux = aux[0] as number;
      received.session = session[0] as SessionId;
      received.body = bytes;
      received.start = start + HEAD_BYTES;
      received.end = end;
      return received;
    },
  };
}

/** Of a time that has no room in an aux of 32 bits only the master knows the end. */
const NO_LIMIT = -1;

export function toStopTime(ms: number): number {
  return ms > 2 ** 31 - 1 ? NO_LIMIT : Math.ceil(ms);
}

export function fromStopTime(aux: number): number {
  return aux === NO_LIMIT ? Number.POSITIVE_INFINITY : aux;
}
