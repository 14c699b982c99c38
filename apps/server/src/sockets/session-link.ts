import { copyOf } from '@millrace/channel/internal';
import type { leanWebSocket } from '@millrace/http';
import type { ReactorIndex, SessionId } from '../contract/ids.js';
import type { Keeper, KeptRequest, WebSocketOwner } from '../contract/resumable.js';
import { END_OUTPUT, responsesEnded, SEND, UPGRADED } from '../links/packet.js';
import { OutputWindow } from '../sessions/output-window.js';
import { GatheredOutput } from './gathered-output.js';
import { sendSoon } from './output-turns.js';
import { ResponseLedger, type TrackedResponse } from './response-ledger.js';
import type { SessionSocket } from './session-socket.js';
import { brokenOff, writeAfterDestroy } from './socket-errors.js';
import type { SocketHost } from './socket-host.js';
import { WebSocketFrames } from './websocket-frames.js';

/** Bytes that are gathered before they are sent without waiting for the end of the turn. */
const GATHER_BYTES = 1 << 16;
const RESET = { reset: true } as const;
/** A close frame, "service restart". */
const SERVICE_RESTART = Buffer.of(0x88, 0x02, 1012 >> 8, 1012 & 0xff);

export type Done = (error?: Error | null) => void;

/** What reads the bytes of a client before the socket. */
export interface InputReader {
  /** `memory[start, end)`, which is another's once this returns. */
  receivedIn(memory: Buffer, start: number, end: number): void;
  /** No more come. True: it has given up bytes, which the socket is to read before it ends. */
  inputEnds(): boolean;
}

/** A piece of output, as streams hand it on. */
export interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: BufferEncoding;
}

/**
 * What lies between a {@link SessionSocket} and its session: packets one way, the calls of a stream the other. It is apart from the
 * socket because that is the program's, which may put on it whatever it likes under any name.
 */
export class SessionLink {
  readonly session: SessionId;
  readonly reactor: ReactorIndex;
  /** Undefined where answers are not counted: node:http has not the connection itself. */
  readonly ledger: ResponseLedger | undefined;
  socket!: SessionSocket;
  /** What reads the client's bytes in place of the socket, as long as it does. */
  reader: InputReader | undefined;
  /** What reads and sends plain messages of a WebSocket over the socket; undefined: `ws` does. */
  lean: typeof leanWebSocket | undefined;
  bytesRead = 0;
  /** How many of those came before it spoke HTTP no more. */
  bytesAtUpgrade = 0;
  #bytesSent = 0;
  readonly #host: SocketHost;
  readonly #window: OutputWindow;
  readonly #output = new GatheredOutput();
  readonly #taker = (bytes: Uint8Array, start: number, end: number, last: boolean) =>
    this.#offer(bytes, start, end, last);
  #frames: WebSocketFrames | undefined;
  /** It will be asked at the end of this turn what it has gathered. */
  #turn = false;
  /** The program has its turn behind it: what it has ended is known to have ended. */
  #settled = false;
  /** Much waits for the client: nothing is sent before the reactor thread says that there is room. */
  #full = false;
  /** The callbacks of the write, and of the end of output, that wait for that. */
  #done: Done | undefined;
  #finish: Done | undefined;
  /** What has come in this turn for listeners of 'readable'. */
  readonly #unread: Buffer[] = [];
  /** More has come than is read: the reactor thread reads no more from the client. */
  #held = false;
  /** The end of what the client sends has come, and the socket has been told of it. */
  #ends = false;
  #inputEnded = false;
  /** The reactor thread has closed the connection. */
  #closed = false;
  /** The socket is closed once it has finished: its output need not be ended by itself. */
  closesSoon = false;
  resets = false;
  /** Its messages are numbered by the reactor thread: another process can go on with it. */
  isResumable = false;
  /** What is written is dropped: its client has had it from another process. */
  dropsOutput = false;
  /** What it has to send and does not get rid of now is lost. */
  isEnding = false;
  /** Nothing is read from the client, whatever the program reads. */
  isStopped = false;
  /** Another process has it. */
  #left = false;

  constructor(host: SocketHost, session: SessionId, reactor: ReactorIndex, http: boolean) {
    this.#host = host;
    this.session = session;
    this.reactor = reactor;
    this.ledger = http ? new ResponseLedger() : undefined;
    const { table } = host.gateway;
    this.#window = new OutputWindow(table, table.slot(session));
  }

  /** Bytes that were written to the session or are gathered for it. */
  get bytesWritten(): number {
    return this.#bytesSent + this.#output.bytes;
  }

  /** Whether the connection speaks HTTP no more. */
  get isUpgraded(): boolean {
    return this.#frames !== undefined;
  }

  /** The server's own address in this connection; undefined: it is that of the listener, or the connection is closed. */
  get localHost(): string | undefined {
    return this.#host.gateway.table.local(this.session);
  }

  // From the reactor thread ---------------------------------------------------------------------------------------------

  /** Bytes of the client, `memory[start, end)`, which is another's once this returns. */
  received(memory: Buffer, start: number, end: number): void {
    const { socket, reader } = this;
    if (socket.destroyed || this.#inputEnded) return;
    this.bytesRead += end - start;
    if (reader === undefined) return this.deliver(copyOf(memory, start, end));
    socket.touch();
    reader.receivedIn(memory, start, end);
  }

  /** The same of bytes in memory that the program may keep, where nothing reads them before the socket. */
  receivedOwn(data: Buffer): void {
    if (this.socket.destroyed || this.#inputEnded) return;
    this.bytesRead += data.length;
    this.deliver(data);
  }

  /** Has the program read bytes, which are counted already. */
  deliver(data: Buffer): void {
    const { socket } = this;
    if (this.#unread.length > 0) this.#unread.push(data);
    else if (socket.takesAtOnce(data)) return;
    else if (socket.listenerCount('readable') === 0) this.#push(data);
    else {
      this.#unread.push(data);
      process.nextTick(() => this.#pushUnread());
    }
  }

  /**
   * Pushes what has come in this turn as one piece, as a read from the kernel is: for the listeners of 'readable', who hear of several
   * pieces once, and may take the first only (from Node 26 on `read()` gives no more).
   */
  #pushUnread(): void {
    const pieces = this.#unread.splice(0);
    if (this.socket.destroyed || this.#inputEnded) return;
    this.#push(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces));
  }

  #push(data: Buffer): void {
    if (!this.socket.push(data)) this.wantsNoMore();
  }

  /** The program reads no more for now. */
  wantsNoMore(): void {
    if (this.#held) return;
    this.#held = true;
    this.#host.gateway.pause(this.session);
  }

  /** The program reads on. */
  wantsMore(): void {
    if (!this.#held) return;
    this.#held = false;
    if (!this.isStopped) this.#host.gateway.resume(this.session);
  }

  /**
   * The client sends no more. A request and its end may come at once here; from the kernel they would come by two reads, between which
   * what the program does with the first is done.
   */
  endInput(): void {
    this.#readerGivesUp();
    setImmediate(() => this.#endInput());
    this.#ends = true;
  }

  #endInput(): void {
    const { socket } = this;
    if (socket.destroyed || this.#inputEnded) return;
    if (this.#readerGivesUp()) return void setImmediate(() => this.#endInput());
    this.#inputEnded = true;
    socket.push(null);
    // 'end' comes where nothing is read as well.
    socket.read(0);
  }

  /** What the reader keeps until it is whole is the socket's now, a turn before its end. */
  #readerGivesUp(): boolean {
    return !this.socket.destroyed && this.reader?.inputEnds() === true;
  }

  /** The connection is closed; `broken`: by the client or a failure, and not by this side. As `endInput`, behind what was read. */
  closed(broken: boolean): void {
    if (broken) this.#readerGivesUp();
    this.#closed = true;
    this.#output.clear();
    setImmediate(() => this.#close(broken));
  }

  #close(broken: boolean): void {
    const { socket } = this;
    if (broken && this.#readerGivesUp()) return void setImmediate(() => this.#close(broken));
    if (this.#ends) this.#endInput();
    // Both sides have ended. What the program has not read yet it may still read; then it is over by itself.
    if (socket.destroyed || (this.#inputEnded && socket.writableFinished)) return;
    socket.destroy(broken ? brokenOff() : undefined);
  }

  // From the program ----------------------------------------------------------------------------------------------------

  write(chunk: string | Uint8Array, encoding: BufferEncoding, callback: Done): void {
    if (this.dropsOutput) return callback();
    this.#output.add(chunk, encoding);
    this.#gathered(callback);
  }

  writeAll(chunks: readonly Chunk[], callback: Done): void {
    if (this.dropsOutput) return callback();
    for (const { chunk, encoding } of chunks) this.#output.add(chunk, encoding);
    this.#gathered(callback);
  }

  /** Whether what is sent now goes out behind all that was written, none of which waits for room. */
  get isClear(): boolean {
    const { socket } = this;
    if (this.#full || this.#closed || this.dropsOutput) return false;
    return socket.writable && socket.writableLength === 0 && socket.writableCorked === 0;
  }

  /** Sends what the stream has no part in, where the link is clear. */
  send(data: string | Uint8Array, encoding: BufferEncoding): void {
    this.socket.touch();
    this.#output.add(data, encoding);
    this.#soon();
    if (this.#output.size >= GATHER_BYTES) this.#send(false);
  }

  /**
   * Sends an answer that has ended, where the link is clear: the first `length` of `bytes`, which are the caller's again once this returns.
   * What answered before it in this turn goes with it; where nothing did, it does not wait for the end of that.
   */
  sendAnswer(bytes: Buffer, length: number): void {
    this.socket.touch();
    if (!this.#output.empty) return this.#keepAnswer(bytes, length);
    this.#settled = true;
    this.ledger?.settle(true);
    if (this.#offer(bytes, 0, length, true) === 'refused') this.#keepAnswer(bytes, length);
  }

  #keepAnswer(bytes: Buffer, length: number): void {
    this.#output.add(Buffer.from(bytes.subarray(0, length)), undefined);
    this.#soon();
    if (!this.#full && this.#output.size >= GATHER_BYTES) this.#send(false);
  }

  /** Sends a frame of a WebSocket, where the link is clear: its head, text in latin1, and what comes behind it. */
  sendFrame(head: string, payload: string | Uint8Array): void {
    this.socket.touch();
    this.#output.add(head, 'latin1');
    this.#output.add(payload, 'utf8');
    this.#soon();
    if (this.#output.size >= GATHER_BYTES) this.#send(false);
  }

  /** A WebSocket may lie over the socket now, whose frames are lean where its requests were. */
  mayBeWebSocket(): void {
    this.lean?.(this.socket, this);
  }

  /** A write is over at once, as the kernel's are, unless much waits for the client: then it is when there is room again. */
  #gathered(callback: Done): void {
    if (!this.#full) {
      this.#soon();
      if (this.#output.size >= GATHER_BYTES) this.#send(false);
    }
    if (this.#full) this.#done = callback;
    else callback();
  }

  #soon(): void {
    if (this.#turn) return;
    this.#turn = true;
    sendSoon(this);
  }

  /** Another response of node:http has the socket, or none. */
  answers(response: TrackedResponse | null): void {
    const { ledger } = this;
    if (ledger === undefined) return;
    ledger.response = response;
    if (this.#host.isEnding) ledger.endWithAnswer();
    if (ledger.owes) this.#soon();
    if (response !== null) this.#host.answered(this, 0);
  }

  /** node:http has given the connection up to what it was upgraded to. */
  upgraded(): void {
    if (this.ledger === undefined || this.isUpgraded) return;
    // What was answered before is whole.
    this.#send(true);
    this.#frames = new WebSocketFrames();
    this.bytesAtUpgrade = this.bytesRead;
    this.#host.gateway.tell(this.session, UPGRADED);
    this.#host.upgraded(this);
  }

  // A WebSocket that outlasts this process ------------------------------------------------------------------------------

  /** It is a WebSocket of a program that can go on with it in another process. */
  keptBy(request: KeptRequest, owner: WebSocketOwner): Keeper | undefined {
    if (!this.isUpgraded || this.#closed || this.socket.destroyed) return undefined;
    return this.#host.keeps(this, request, owner);
  }

  /** It is one that another process has had, between two messages; `taken` is the last that was taken. */
  goesOn(taken: number): void {
    this.#frames = WebSocketFrames.goingOn();
    this.isResumable = true;
    (this.ledger as ResponseLedger).taken = taken;
  }

  /** Whether everything that was written to it is on its way to the client, and ends with a whole frame. */
  get isSent(): boolean {
    if (this.#full || this.#closed || !this.#output.empty || this.socket.writableLength > 0) return false;
    return this.#frames?.isBetween === true;
  }

  /** Another process has it: its socket ends here, and the client notices nothing. */
  leave(): void {
    this.#left = true;
  }

  /** The client is read from again. */
  readOn(): void {
    this.isStopped = false;
    if (!this.#held) this.#host.gateway.resume(this.session);
  }

  /** Sends what there is, and what is to be told of answers that have ended. */
  sendGathered(): void {
    this.#turn = false;
    if (!this.#full && !this.#closed) this.#send(true);
  }

  #send(settled: boolean): void {
    const { ledger } = this;
    this.#settled = settled;
    if (settled) ledger?.settle(this.socket.writableLength === 0);
    this.#output.give(this.#taker);
    if (settled && !this.#full && ledger?.owes === true && !this.isUpgraded) this.#tellEnded(ledger);
  }

  #offer(bytes: Uint8Array, start: number, end: number, last: boolean): 'sent' | 'enough' | 'refused' {
    const { gateway } = this.#host;
    const isLast = last && this.#settled;
    const result = gateway.offer(this.session, bytes, start, end, isLast, this, this.#window);
    if (result === 'closed') {
      // The reactor thread says of it next that it is closed. Until then a write is under way: one that were over would tell the
      // program to go on, and what it sends in a loop would all be dropped before it hears that nobody reads it.
      this.#full = true;
      return 'refused';
    }
    if (result !== 'refused') this.#bytesSent += end - start;
    if (result !== 'sent' && !this.socket.destroyed) this.#waitForRoom();
    return result;
  }

  /** What the reactor thread has to know of bytes that are sent. */
  auxOf(bytes: Uint8Array, start: number, end: number, last: boolean): number {
    if (this.#frames !== undefined) return this.#frames.aux(bytes, start, end);
    const { ledger } = this;
    if (ledger === undefined) return 0;
    const aux = ledger.aux(last);
    if (aux > 1) this.#host.answered(this, responsesEnded(aux));
    return aux;
  }

  /** An answer has ended without more bytes. */
  #tellEnded(ledger: ResponseLedger): void {
    const aux = ledger.aux(true);
    this.#host.gateway.tell(this.session, SEND, aux);
    this.#host.answered(this, responsesEnded(aux));
  }

  #waitForRoom(): void {
    if (this.#full) return;
    this.#full = true;
    void this.#host.gateway.drained(this.session, undefined, this.#window).then(() => {
      this.#full = false;
      if (this.socket.destroyed) return;
      // Of one that is not open it is said next that it is closed; until then what it is sent is dropped.
      this.sendGathered();
      if (!this.#full) this.#settleWrites();
    });
  }

  #settleWrites(): void {
    const [done, finish] = [this.#done, this.#finish];
    this.#done = this.#finish = undefined;
    done?.();
    if (finish) this.#endOutput(finish);
  }

  /** Everything is written. The connection is closed for sending, and still read from. */
  finish(callback: Done): void {
    this.sendGathered();
    if (this.#full && !this.#closed) this.#finish = callback;
    else this.#endOutput(callback);
  }

  #endOutput(callback: Done): void {
    if (!this.closesSoon && !this.#closed) this.#host.gateway.tell(this.session, END_OUTPUT);
    callback();
  }

  /** The socket is going to be destroyed. What was written before goes out, as the kernel has what a program has written to it. */
  beforeDestroy(): void {
    this.isEnding = true;
    if (!this.resets && !this.#closed) this.#send(true);
  }

  /** Whether another process can go on with the connection: it is between two requests, and the program is not ending it. */
  get isBetween(): boolean {
    const { ledger, socket } = this;
    if (ledger === undefined || this.isUpgraded || this.#closed || this.#full || this.#inputEnded)
      return false;
    if (!ledger.isAtBoundary || ledger.owes || !this.#output.empty) return false;
    return !socket.writableEnded && socket.writableLength === 0 && !this.closesSoon && !this.resets;
  }

  /** Tells the client of a WebSocket that it is over here; false where it is none, or in the middle of a frame. */
  goAway(): boolean {
    if (this.#frames?.isBetween !== true || !this.#output.empty || this.#closed || this.socket.destroyed)
      return false;
    this.#output.add(SERVICE_RESTART, undefined);
    this.#send(true);
    this.#host.gateway.close(this.session);
    return true;
  }

  /** The socket is destroyed, `cleanly` without an error. Returns what settles the write that was under way. */
  destroyed(cleanly: boolean): () => void {
    const isOver = this.#closed || this.#left || (cleanly && this.isBetween && this.#host.handsOver(this));
    if (!isOver) this.#host.gateway.close(this.session, this.resets ? RESET : undefined);
    this.#host.gone(this, !isOver);
    this.#output.clear();
    const done = this.#done;
    this.#done = this.#finish = undefined;
    return () => done?.(writeAfterDestroy());
  }
}
