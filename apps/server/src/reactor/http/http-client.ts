import type { ListenerIndex, SessionId } from '../../contract/ids.js';
import type { Protocol } from '../../contract/protocol.js';
import { REQUEST_MASK, responseBegun, responsesEnded } from '../../links/packet.js';
import { CLOSING } from '../../shared/connection-layout.js';
import { Client, type ClientLink } from '../client.js';
import { PAUSE_UPGRADE, PAUSE_WORKER } from '../pause-reasons.js';
import { isAfter, type Progress } from './fate.js';
import type { KeptRequests } from './kept-requests.js';
import { RequestCutter } from './request-cutter.js';
import type { WaitingPiece } from './request-moves.js';

/** Who a client is, and where. */
export interface ClientPlace {
  readonly session: SessionId;
  readonly listener: ListenerIndex;
  readonly owner: ClientLink;
  /** Where its slot begins. */
  readonly slot: number;
}

/** A client whose worker keeps something of it: how far both are, so that the client can be told when that worker dies. */
export class HttpClient extends Client implements Progress {
  readonly cutter: RequestCutter;
  readonly isStream: boolean;
  /** The worker that has it: its own, until a request of it goes to another. */
  at: ClientLink;
  /** Its worker was replaced, and the process from before still has it. */
  via: ClientLink | undefined = undefined;
  /** What a worker remembers, and no other one, says which of them its requests go to. */
  isBound = false;
  /** A request that opens a session of Socket.IO, as long as its answer has not said which; 0: none. */
  handshake = 0;
  /** The beginning of a request that cannot go to its worker yet. */
  waiting: WaitingPiece | undefined = undefined;
  /** Its requests that have no answer, where they may be sent once more. */
  kept: KeptRequests | undefined = undefined;
  /** The last request of which something was sent to the worker. */
  sent = 0;
  /** The rest of it is still to be sent. */
  inside = false;
  /** What comes is the rest of a request that is answered, of which no process is to see more. */
  skips = false;
  /** Answers that have ended. */
  answered = 0;
  /** An answer has begun; once it is upgraded: its output is in the middle of something. */
  begun = false;
  upgraded = false;
  /** Something was sent since then. */
  speaks = false;
  outputEnded = false;
  /** It gets nothing more, nor does its worker: what it still sends is dropped. */
  dropped = false;
  /** When the head that is kept began to come, by the clock of timers; 0: none is waited for. */
  keptSince = 0;

  constructor({ session, listener, owner, slot }: ClientPlace, protocol: Protocol) {
    super(session, listener, owner, slot);
    this.at = owner;
    this.isStream = protocol === 'stream';
    this.cutter = new RequestCutter({ opaque: this.isStream });
  }

  override get link(): ClientLink {
    return this.via ?? this.at;
  }

  override get http(): this {
    return this;
  }

  override get memoryBytes(): number {
    return this.connection.memoryBytes + (this.kept?.bytes ?? 0) + (this.waiting?.bytes.length ?? 0);
  }

  get isOpaque(): boolean {
    return this.cutter.isOpaque;
  }

  /**
   * Whether its next request is to wait for the answers to those before it: the process that has them was replaced, and a client that
   * always asks before it is answered would stay with that one for ever.
   */
  get waitsToMove(): boolean {
    if (this.via === undefined || this.inside || this.upgraded) return false;
    return isAfter(this.sent, this.answered);
  }

  /** Another process can go on with it between two messages: it is a WebSocket of a program that can resume it. */
  get resumable(): boolean {
    return this.cutter.cutsMessages;
  }

  /** The program can resume it in another process, unless something has come already that was not cut. */
  cutMessages(): void {
    if (this.dropped || !this.upgraded || this.inside) return;
    this.cutter.cutMessages();
    this.connection.recut();
  }

  /** Whether nothing of a request or an answer is under way between it and its process, and more may follow. */
  get isBetween(): boolean {
    const { sent, answered, inside, begun, upgraded, outputEnded, dropped } = this;
    if (sent !== answered || inside || begun || upgraded || outputEnded || dropped) return false;
    return !this.isStream && this.slot.state !== CLOSING && !this.isEnding;
  }

  /** Its requests go to `worker` from here on. `knows`: the process that has had them keeps a socket for it, which is idle. */
  moveTo(worker: ClientLink, knows: boolean): void {
    const state = this.ensureRare();
    state.visited ??= new Set();
    if (knows) state.visited.add(this.link);
    state.visited.delete(worker);
    this.via = undefined;
    this.at = worker;
  }

  /** The beginning of another request has come, and lies here. */
  get hasMore(): boolean {
    return this.waiting !== undefined || this.cutter.keepsHead;
  }

  override resumeFor(reason: number): void {
    super.resumeFor(reason);
    // The worker that something waits for has room.
    if (reason === PAUSE_WORKER) this.waiting?.go();
  }

  /** What `from` knows of it, `to` does. */
  moveVisit(from: ClientLink, to: ClientLink): void {
    if (this.rare.visited?.delete(from)) this.rare.visited.add(to);
  }

  /** That process has no socket for it any more. */
  forgetVisit(link: ClientLink): void {
    this.rare.visited?.delete(link);
  }

  /** Its worker has sent `bytes` bytes with that aux. */
  hasAnswered(aux: number, bytes: number): void {
    this.answers(aux);
    this.kept?.settle(this.answered, this.begun || (bytes > 0 && aux <= 1));
  }

  /** From here on what it sends is dropped, and its worker hears of it no more than that it is closed. */
  drop(): void {
    this.dropped = true;
    this.kept?.clear();
    this.waiting?.forget();
    this.cutter.goRaw();
    this.resume();
    this.connection.recut();
  }

  /**
   * Its worker has died. The rest of a request that was answered before it had come goes to no process: the next one has not seen its
   * beginning, and would take it for another request.
   */
  skipRest(): void {
    if (!this.inside || this.upgraded || this.sent !== this.answered) return;
    this.inside = false;
    this.skips = true;
  }

  /** It speaks another protocol from here on, both ways. */
  goRaw(): void {
    if (this.dropped || this.isStream) return;
    this.upgraded = true;
    this.cutter.goRaw();
    this.resumeFor(PAUSE_UPGRADE);
    this.connection.recut();
  }

  /** Its worker has sent bytes, of which `aux` tells; see `responseAux`. */
  answers(aux: number): void {
    this.begun = responseBegun(aux);
    if (this.upgraded) this.speaks = true;
    else if (aux > 1) {
      const answered = (this.answered + responsesEnded(aux)) & REQUEST_MASK;
      // In what is not cut there may be several requests. Of others no more are answered than were sent, whatever it says.
      this.answered = !this.isOpaque && isAfter(answered, this.sent) ? this.sent : answered;
    }
  }
}
