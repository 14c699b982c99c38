import type { Counters } from '../shared/counters.js';
import * as layout from '../shared/counters-layout.js';
import type { AdminListener } from './admin-assignment.js';
import type { ListenerReport } from './schemas.js';

/** Milliseconds between the two moments that rates are of, at least; the history asks each second. */
const MEASURED_EVERY_MS = 900;

type Counts = Pick<
  ListenerReport,
  'accepted' | 'refused' | 'messagesIn' | 'messagesOut' | 'bytesIn' | 'bytesOut'
>;

interface Measured {
  readonly at: number;
  readonly counts: readonly Counts[];
  /** By listener, of the time before; undefined: this is the first measurement. */
  readonly rates: readonly ListenerReport['rates'][] | undefined;
}

/** The listeners of the server, as its counters tell of them. */
export class ListenerList {
  readonly #listeners: readonly AdminListener[];
  readonly #counters: Counters;
  #measured: Measured | undefined;

  constructor(listeners: readonly AdminListener[], counters: Counters) {
    this.#listeners = listeners;
    this.#counters = counters;
  }

  /** Those that are listened on, or still have connections. */
  all(): ListenerReport[] {
    const counts = this.#listeners.map((_, index) => this.#countsOf(index));
    const { rates } = this.#measure(counts);
    return this.#listeners.flatMap((listener, index) => {
      const { type, protocol, tls, host, path, inherited, late } = listener;
      const port = this.#counters.port(index);
      const count = counts[index] as Counts;
      const closed = this.#counters.ofListener(index, layout.LISTENER_CLOSED);
      const connections = Math.max(0, count.accepted - closed);
      // No program listens there.
      if (late && !this.#counters.listens(index) && connections === 0) return [];
      return [
        {
          index,
          type,
          protocol: late ? null : protocol,
          tls,
          host: inherited ? null : (host ?? null),
          port: port === 0 ? null : port,
          path: path ?? null,
          connections,
          ...count,
          rates: rates?.[index] ?? null,
        },
      ];
    });
  }

  #countsOf(index: number): Counts {
    const of = (counter: number) => this.#counters.ofListener(index, counter);
    return {
      accepted: this.#counters.server(layout.ACCEPTED_BY + index) + of(layout.LISTENER_ACCEPTED),
      refused: this.#counters.server(layout.REFUSED_BY + index) + of(layout.LISTENER_REFUSED),
      messagesIn: of(layout.MESSAGES_IN),
      messagesOut: of(layout.MESSAGES_OUT),
      bytesIn: of(layout.BYTES_IN),
      bytesOut: of(layout.BYTES_OUT),
    };
  }

  #measure(counts: readonly Counts[]): Measured {
    const at = performance.now();
    const last = this.#measured;
    if (last !== undefined && at - last.at < MEASURED_EVERY_MS) return last;
    const rates =
      last && counts.map((now, index) => ratesOf(now, last.counts[index] as Counts, at - last.at));
    this.#measured = { at, counts, rates };
    return this.#measured;
  }
}

function ratesOf(now: Counts, before: Counts, ms: number): ListenerReport['rates'] {
  // What a process has written over reads as less for up to a second.
  const of = (name: keyof Counts) => Math.round((Math.max(0, now[name] - before[name]) * 10_000) / ms) / 10;
  return {
    accepted: of('accepted'),
    messagesIn: of('messagesIn'),
    messagesOut: of('messagesOut'),
    bytesIn: of('bytesIn'),
    bytesOut: of('bytesOut'),
  };
}
