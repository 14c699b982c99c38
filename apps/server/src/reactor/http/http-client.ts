import type { ListenerIndex, SessionId } from '../../contract/ids.js';
import type { Protocol } from '../../contract/protocol.js';
import { REQUEST_MASK, responseBegun, responsesEnded } from '../../links/packet.js';
import { Client, type ClientLink } from '../client.js';
import { PAUSE_UPGRADE } from '../pause-reasons.js';
import { isAfter, type Progress } from './fate.js';
import { RequestCutter } from './request-cutter.js';

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
  /** Its worker was replaced, and the process from before still has it. */
  via: ClientLink | undefined = undefined;
  /** The last request of which something was sent to the worker. */
  sent = 0;
  /** The rest of it is still to be sent. */
  inside = false;
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
    this.isStream = protocol === 'stream';
    this.cutter = new RequestCutter({ opaque: this.isStream });
  }

  override get link(): ClientLink {
    return this.via ?? this.owner;
  }

  override get http(): this {
    return this;
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

  /** From here on what it sends is dropped, and its worker hears of it no more than that it is closed. */
  drop(): void {
    this.dropped = true;
    this.cutter.goRaw();
    this.resume();
    this.connection.recut();
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
