import { CLOSE_REASONS } from '../contract/close-reasons.js';
import * as packet from '../links/packet.js';
import type { Topology } from '../links/topology.js';
import * as trace from '../shared/trace-layout.js';
import type { TraceRecord } from '../shared/trace-watches.js';
import { namesOf } from './process-list.js';
import { STEPS, type StepReport } from './trace-schemas.js';

/** What is kept of each that is under way: of a message that is never answered, say. */
const MOST_KEPT = 1_000;
/** Microseconds before the trace and after now that a time may be: a process may be stopped between looking at the clock and noting it. */
const SLACK_US = 60e6;

interface Message {
  readonly number: number;
  readonly request: number | null;
  readonly readAt: number;
  lastAt: number;
}

/** Something on its way from one process to another. */
interface Parcel {
  readonly message: Message | undefined;
  readonly kind: number;
  readonly bytes: number;
  /** The worker that it goes to, or the process that it comes from. */
  readonly end: number;
}

const KINDS: Readonly<Record<number, string>> = {
  [packet.END]: 'end',
  [packet.SEND]: 'bytes',
  [packet.SEND_FILE]: 'file',
  [packet.PAUSE]: 'pause',
  [packet.RESUME]: 'resume',
  [packet.PROTECT]: 'protect',
  [packet.BIND]: 'bind',
  [packet.DRAIN]: 'drain',
  [packet.ENDED]: 'ended',
  [packet.UPGRADED]: 'upgraded',
  [packet.END_OUTPUT]: 'end-output',
  [packet.RELEASE]: 'release',
  [packet.LOST]: 'lost',
};

/** What belongs to a message, beside the bytes of an answer. */
const OF_A_MESSAGE: ReadonlySet<number> = new Set([
  packet.SEND,
  packet.SEND_FILE,
  packet.CLOSE,
  packet.ENDED,
  packet.END_OUTPUT,
  packet.UPGRADED,
]);

/**
 * Tells which message each step is of. What is given from one process to another arrives in order, so what is taken is the first that
 * is under way there and looks like it. An answer is of the request that it says it is of, where the connection speaks HTTP; else of the message
 * that its process has taken last. A step whose record was lost leaves the message of later ones unknown, and no more than that.
 */
export class TraceSteps {
  readonly #names: ReadonlyMap<number, string>;
  readonly #reactors: number;
  /** Microseconds from the monotonic clock to the time since 1970. */
  readonly #toWall: number;
  readonly #since: number;
  readonly #clock: () => number;
  #count = 0;
  #readAt: number | undefined;
  /** Something of it has been read, and nothing given to a worker. */
  #coming: Message | undefined;
  /** A request whose end has not come. */
  #unfinished: Message | undefined;
  readonly #toWorkers = new Line();
  /** By process, the message that it has taken last. */
  readonly #latest = new Map<number, Message | undefined>();
  /** Requests without an answer, in order. */
  readonly #unanswered: Message[] = [];
  readonly #toReactor = new Line();
  readonly #toSocket = new Line();

  /** `clock`: the monotonic clock, in microseconds. */
  constructor(topology: Topology, clock: () => number) {
    const now = clock();
    this.#clock = clock;
    this.#names = new Map(namesOf(topology).map(({ peer, name }) => [peer, name]));
    this.#reactors = topology.reactors;
    this.#since = now;
    this.#toWall = (performance.timeOrigin + performance.now()) * 1e3 - now;
  }

  /** Undefined: no process of the server notes such a thing. */
  take(record: TraceRecord): StepReport[] | undefined {
    if (!this.#isPossible(record)) return undefined;
    switch (record.step) {
      case trace.READ:
        return [this.#read(record)];
      case trace.DISPATCHED:
        return [this.#dispatched(record)];
      case trace.TAKEN:
        return [this.#taken(record)];
      case trace.ANSWERED:
        return [this.#answered(record)];
      case trace.COLLECTED:
        return [this.#collected(record)];
      case trace.WRITTEN:
        return this.#written(record);
      case trace.DRAINED:
        return [this.#report(record, undefined, { kind: null, queuedBytes: record.detail })];
      default:
        return [
          this.#report(record, undefined, { kind: null, reason: CLOSE_REASONS[record.detail] ?? null }),
        ];
    }
  }

  #isPossible({ step, who, pid, bytes, time, detail }: TraceRecord): boolean {
    const isKnown = who < 0 ? trace.reactorIn(who) < this.#reactors : this.#names.has(who);
    const isTime = time > this.#since - SLACK_US && time < this.#clock() + SLACK_US;
    return isKnown && isTime && STEPS[step - 1] !== undefined && pid > 0 && bytes >= 0 && detail >= 0;
  }

  #read(record: TraceRecord): StepReport {
    this.#readAt = record.time;
    if (this.#unfinished !== undefined) return this.#report(record, this.#unfinished, { kind: null });
    this.#coming ??= this.#newMessage(null, record.time);
    return this.#report(record, this.#coming, { kind: null });
  }

  #dispatched(record: TraceRecord): StepReport {
    const { kind, bytes, aux, detail, time } = record;
    const begins = kind !== packet.RECEIVE || aux === 0 || (aux & packet.PIECE_BEGINS) !== 0;
    const ends = kind !== packet.RECEIVE || aux === 0 || (aux & packet.PIECE_ENDS) !== 0;
    const request = aux === 0 ? null : packet.requestIn(aux);
    const message = (begins ? undefined : this.#unfinished) ?? this.#begin(kind, request, time);
    if (ends) this.#unfinished = undefined;
    else if (begins) this.#unfinished = message;
    this.#toWorkers.add({ message, kind, bytes, end: detail });
    return this.#report(record, message, { kind: kindOf(kind, aux), to: this.#names.get(detail) ?? null });
  }

  /** The message that is given to a worker next. Several may have come in one piece. */
  #begin(kind: number, request: number | null, time: number): Message {
    // That the client sends no more comes by no bytes.
    if (kind === packet.END) return this.#newMessage(null, time);
    const coming = this.#coming;
    this.#coming = undefined;
    if (coming === undefined) return this.#newMessage(request, this.#readAt ?? time);
    return { ...coming, request };
  }

  #newMessage(request: number | null, readAt: number): Message {
    return { number: ++this.#count, request, readAt, lastAt: readAt };
  }

  #taken(record: TraceRecord): StepReport {
    const { kind, bytes, aux, who, detail } = record;
    const message = this.#toWorkers.take(who, kind, bytes)?.message;
    this.#latest.set(who, message);
    const isRequest = aux !== 0 && detail === 0 && (aux & packet.PIECE_BEGINS) !== 0;
    if (isRequest && message !== undefined) this.#unanswered.push(message);
    if (this.#unanswered.length > MOST_KEPT) this.#unanswered.shift();
    return this.#report(record, message, { kind: kindOf(kind, aux) });
  }

  #answered(record: TraceRecord): StepReport {
    const { kind, bytes, aux, who } = record;
    const answers = OF_A_MESSAGE.has(kind);
    const message = answers ? (this.#unanswered[0] ?? this.#latest.get(who)) : undefined;
    if (kind === packet.SEND) this.#unanswered.splice(0, packet.responsesEnded(aux));
    // What follows is of no request.
    if (kind === packet.UPGRADED) this.#unanswered.length = 0;
    this.#toReactor.add({ message, kind, bytes, end: who });
    return this.#report(record, message, { kind: kindOf(kind, aux) });
  }

  #collected(record: TraceRecord): StepReport {
    const { kind, aux, detail } = record;
    const isFile = kind === packet.SEND_FILE;
    const parcel = this.#toReactor.take(detail, kind, isFile ? undefined : record.bytes);
    const message = parcel?.message;
    const bytes = isFile ? (parcel?.bytes ?? 0) : record.bytes;
    if (bytes > 0) this.#toSocket.add({ message, kind, bytes, end: 0 });
    const from = this.#names.get(detail) ?? null;
    return this.#report({ ...record, bytes }, message, { kind: kindOf(kind, aux), from });
  }

  /** Small answers are written together. */
  #written(record: TraceRecord): StepReport[] {
    const { kind, detail } = record;
    const reports: StepReport[] = [];
    let { bytes } = record;
    while (bytes > 0) {
      const parcel = this.#toSocket.take(0, kind, undefined);
      // Of which something was collected before the trace began.
      const known = parcel !== undefined && parcel.bytes <= bytes ? parcel : { message: undefined, bytes };
      bytes -= known.bytes;
      const { message } = known;
      const totalUs = message === undefined ? null : micros(record.time - message.readAt);
      const more = { kind: kindOf(kind, 0), queuedBytes: detail, totalUs };
      reports.push(this.#report({ ...record, bytes: known.bytes }, message, more));
    }
    return reports;
  }

  #report(record: TraceRecord, message: Message | undefined, more: Partial<StepReport>): StepReport {
    const { step, who, pid, bytes, time } = record;
    const since = message === undefined || message.lastAt === time ? undefined : time - message.lastAt;
    if (message !== undefined) message.lastAt = time;
    return {
      type: 'step',
      step: STEPS[step - 1] as StepReport['step'],
      at: Math.round(time + this.#toWall) / 1e3,
      process: who < 0 ? `reactor:${trace.reactorIn(who)}` : (this.#names.get(who) ?? ''),
      pid,
      message: message?.number ?? null,
      request: message?.request ?? null,
      kind: null,
      bytes,
      to: null,
      from: null,
      queuedBytes: null,
      sinceUs: since === undefined ? null : micros(since),
      totalUs: null,
      reason: null,
      ...more,
    };
  }
}

/** What is under way, in order. */
class Line {
  readonly #parcels: Parcel[] = [];

  add(parcel: Parcel): void {
    this.#parcels.push(parcel);
    if (this.#parcels.length > MOST_KEPT) this.#parcels.shift();
  }

  /** Takes the first of that end that looks so; those before it have been lost. */
  take(end: number, kind: number, bytes: number | undefined): Parcel | undefined {
    const parcels = this.#parcels;
    const isIt = (one: Parcel) =>
      one.end === end && one.kind === kind && (bytes === undefined || one.bytes === bytes);
    const found = parcels.find(isIt);
    if (found === undefined) return undefined;
    const at = parcels.indexOf(found);
    const others = parcels.slice(0, at).filter((one) => one.end !== end || one.kind !== kind);
    parcels.splice(0, at + 1, ...others);
    return found;
  }
}

/** Times of two processes may be in the wrong order by a little. */
const micros = (us: number) => Math.max(0, Math.round(us * 10) / 10);

function kindOf(kind: number, aux: number): string {
  if (kind === packet.CLOSE) return aux === 1 ? 'reset' : 'close';
  if (kind !== packet.RECEIVE) return KINDS[kind] ?? `packet ${kind}`;
  if (aux === 0) return 'message';
  const begins = (aux & packet.PIECE_BEGINS) !== 0;
  if ((aux & packet.PIECE_ENDS) !== 0) return begins ? 'request' : 'request-rest';
  return begins ? 'request-begin' : 'request-rest';
}
