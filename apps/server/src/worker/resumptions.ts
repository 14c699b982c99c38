import {
  type Keeper,
  type KeptRequest,
  type ResumedWebSocket,
  resumers,
  type WebSocketOwner,
} from '../contract/resumable.js';
import { UPGRADED } from '../links/packet.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import { progressRequest } from '../shared/connection-layout.js';
import type { KeptSession, ResumeTable } from '../shared/resume-table.js';
import type { ResponseLedger } from '../sockets/response-ledger.js';
import type { SessionLink } from '../sockets/session-link.js';

/** Processes that may end while they begin to go on with a WebSocket: what ends one more of them is no accident. */
const MAX_TRIES = 3;
/** Milliseconds between two looks at a WebSocket that has something under way. */
const LOOK_AGAIN_MS = 5;

export interface ResumptionsParts {
  readonly gateway: SessionGateway;
  readonly table: ResumeTable;
  readonly log: (text: string) => void;
  /** Another process is to have the connection, of which so many requests have been taken. */
  readonly release: (link: SessionLink, taken: number) => void;
}

/** The WebSockets of a worker that outlast it: what is kept of them, how it comes by those of others, and how it lets them go. */
export class Resumptions {
  readonly #parts: ResumptionsParts;
  readonly #entries = new Map<SessionLink, Entry>();
  /** Why WebSockets of processes before were closed in this turn, and how many. */
  readonly #refused = new Map<string, number>();
  #isLeaving = false;

  constructor(parts: ResumptionsParts) {
    this.#parts = parts;
  }

  /** A WebSocket of this process is one that another can go on with; undefined where there is no room to keep it. */
  begin(link: SessionLink, request: KeptRequest, owner: WebSocketOwner): Keeper | undefined {
    const { gateway, table, log } = this.#parts;
    const { session } = link;
    const { taken } = link.ledger as ResponseLedger;
    // The early bytes of the client have been taken as they came: where a message ends in them is not known.
    if (this.#entries.has(link) || link.bytesRead > link.bytesAtUpgrade) return undefined;
    const cell = table.take(session, request, taken);
    if (cell === 0) {
      log(
        `Session ${session} will end with this process: there is no room to keep its request of ${request.url.length} characters and ${request.headers.length / 2} headers`,
      );
      return undefined;
    }
    // Before the reactor thread hears of it: what it says goes on is found by the next process.
    gateway.table.setResumeCell(session, cell);
    gateway.tell(session, UPGRADED, 1);
    link.isResumable = true;
    const entry = new Entry(link, owner, cell, 0);
    this.#entries.set(link, entry);
    if (this.#isLeaving) void this.#move(entry);
    return this.#keeper(entry);
  }

  /** A message, or a frame between two, is about to be taken; `isMessage`: it is no control frame. */
  takes(link: SessionLink, request: number, isMessage: boolean): void {
    const entry = this.#entries.get(link);
    if (entry === undefined) return;
    if (isMessage) entry.messages = (entry.messages + 1) | 0;
    this.#parts.table.took(entry.cell, request, entry.messages);
  }

  /** The message that had begun has come whole. */
  tookWhole(link: SessionLink): void {
    this.#entries.get(link)?.whole();
  }

  /** What comes of it is not cut, as this process had thought: it ends here. */
  cannot(link: SessionLink): void {
    link.isResumable = false;
    this.gone(link);
  }

  /** Its socket is destroyed; `left`: for this process alone. */
  gone(link: SessionLink): void {
    const entry = this.#entries.get(link);
    if (entry === undefined) return;
    this.#entries.delete(link);
    entry.whole();
    if (!entry.hasLeft) this.#parts.table.release(entry.cell, link.session);
  }

  /** Goes on with a WebSocket of a process before; false: it cannot, and its client is to be told. */
  resume(link: SessionLink): boolean {
    const { gateway, table } = this.#parts;
    const { session, socket } = link;
    const cell = gateway.table.resumeCell(session);
    const taken = progressRequest(gateway.table.progress(session));
    const kept = table.read(cell, session, taken);
    link.goesOn(taken);
    if (kept === undefined) return this.#refuse(link, 'what was kept of them makes no sense');
    if (kept.tries >= MAX_TRIES)
      return this.#refuse(link, `${MAX_TRIES} processes have ended while they resumed them`);
    const { name } = kept.request;
    const resumer = resumers().get(name);
    if (resumer === undefined)
      return this.#refuse(link, `the program resumes no WebSockets of the name "${name}"`);
    table.tries(cell, kept.tries + 1);
    const entry = new Entry(link, undefined, cell, kept.messages);
    this.#entries.set(link, entry);
    link.dropsOutput = true;
    let resumed: ResumedWebSocket | undefined;
    let why = 'the WebSocket server accepts something else of their requests than it did';
    try {
      resumed = resumer.resume(socket, kept, this.#keeper(entry));
    } catch (error) {
      why = `${(error as Error)?.stack ?? error}`;
    }
    link.dropsOutput = false;
    if (resumed === undefined) return this.#refuse(link, why);
    entry.owner = resumed.owner;
    this.#begin(entry, resumed, kept);
    return true;
  }

  #begin(entry: Entry, resumed: ResumedWebSocket, { request }: KeptSession): void {
    const { table, log } = this.#parts;
    const { link, cell, owner } = entry;
    const failed = (error: unknown) => {
      log(
        `A WebSocket of ${request.url} is closed with 1011, for it could not be resumed: ${(error as Error)?.stack ?? error}`,
      );
      owner?.fail();
    };
    const done = () => {
      if (this.#entries.has(link)) table.tries(cell, 0);
    };
    try {
      const going = resumed.begin();
      if (going === undefined) return done();
      entry.isBeginning = true;
      going.then(done, failed).finally(() => {
        entry.isBeginning = false;
      });
    } catch (error) {
      failed(error);
    }
  }

  #refuse(link: SessionLink, why: string): false {
    this.#entries.delete(link);
    const { gateway, table } = this.#parts;
    table.release(gateway.table.resumeCell(link.session), link.session);
    if (this.#refused.size === 0) setImmediate(() => this.#tellRefused());
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1);
    return false;
  }

  #tellRefused(): void {
    for (const [why, count] of this.#refused)
      this.#parts.log(`${count} WebSockets of the process before were closed with 1012: ${why}`);
    this.#refused.clear();
  }

  #keeper(entry: Entry): Keeper {
    const { table } = this.#parts;
    const entries = this.#entries;
    return {
      get canResume() {
        return entries.has(entry.link) && !entry.hasLeft;
      },
      keep(state) {
        if (!this.canResume) return false;
        table.keep(entry.cell, state, entry.messages);
        return true;
      },
    };
  }

  /** Another process has the place: it gets them, each as soon as nothing of it is under way. */
  leave(): void {
    this.#isLeaving = true;
    for (const entry of this.#entries.values()) void this.#move(entry);
  }

  async #move(entry: Entry): Promise<void> {
    const { gateway, log, release } = this.#parts;
    const { link } = entry;
    if (!(await this.#comesToRest(entry))) return;
    try {
      await entry.owner?.suspend();
    } catch (error) {
      log(
        `A WebSocket is closed with 1011, for the program has not let it go: ${(error as Error)?.stack ?? error}`,
      );
      link.readOn();
      return entry.owner?.fail();
    }
    if (!(await this.#comesToRest(entry))) return;
    entry.hasLeft = true;
    link.leave();
    release(link, progressRequest(gateway.table.progress(link.session)));
    entry.owner?.leave();
  }

  /** Has the client sent from no more, and waits until nothing is under way; false: it ends here. */
  async #comesToRest(entry: Entry): Promise<boolean> {
    const { gateway } = this.#parts;
    const { link } = entry;
    link.isStopped = true;
    for (;;) {
      if (!(await gateway.stopInput(link.session)) || !this.#entries.has(link)) return false;
      if (!(link.ledger as ResponseLedger).inside) break;
      // The rest of a message is for the process that has its beginning.
      gateway.resume(link.session);
      await entry.untilWhole();
    }
    while (this.#entries.has(link)) {
      if (entry.owner?.isOpen !== true) {
        // It ends by itself, and has to hear the client for that.
        link.readOn();
        return false;
      }
      if (!entry.isBeginning && entry.owner.isIdle && link.isSent) return true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    return false;
  }
}

/** One of those WebSockets. */
class Entry {
  readonly link: SessionLink;
  owner: WebSocketOwner | undefined;
  readonly cell: number;
  /** Messages that have been taken of it, by all processes. */
  messages: number;
  hasLeft = false;
  /** The program has not come to the end of going on with it. */
  isBeginning = false;
  #whole: () => void = () => {};

  constructor(link: SessionLink, owner: WebSocketOwner | undefined, cell: number, messages: number) {
    this.link = link;
    this.owner = owner;
    this.cell = cell;
    this.messages = messages;
  }

  /** Resolves when the message that has begun is whole, or it is closed. */
  untilWhole(): Promise<void> {
    return new Promise((resolve) => {
      this.#whole = resolve;
    });
  }

  whole(): void {
    this.#whole();
  }
}
