import { createInbox, type Msg, type NatsConnection, nanos } from '@nats-io/transport-node';
import { Delivery } from './delivery.js';

/** Milliseconds that a request waits at the server: none can be taken back, and a host that ends waits for its last ones. */
const PULL_MS = 1_000;
/** Milliseconds beyond that in which the server says that it is over; then the word is lost. */
const WORD_MS = 1_000;
/** Milliseconds until is asked again what has failed. */
export const RETRY_MS = 200;
/** The server says that a request has waited for its time, */
const EXPIRED = 408;
/** and how many messages it has not brought. */
const NOT_BROUGHT = 'Nats-Pending-Messages';

type Waiter = (delivery: Delivery | undefined) => void;

interface Request {
  readonly batch: number;
  readonly until: number;
}

/**
 * Asks a consumer for messages: for as many at once as are waited for, over one subscription.
 *
 * Notes. The client's own `next` makes a subscription, a timer and an iterator for each message. A message does not say which request has
 * brought it, so those under way are counted together. What comes when nobody waits for it any more is kept for whoever asks next.
 */
export class Pulls {
  readonly #nats: NatsConnection;
  readonly #consumer: string;
  readonly #inbox = createInbox();
  readonly #waiters: Waiter[] = [];
  readonly #arrived: Delivery[] = [];
  /** Those of which the server may still say something, oldest first, by what their inbox ends with. */
  readonly #requests = new Map<string, Request>();
  /** Messages that may come. */
  #underWay = 0;
  #serial = 0;
  #isPlanned = false;
  readonly #sweep: NodeJS.Timeout;

  /** `consumer`: `STREAM.NAME`. */
  constructor(nats: NatsConnection, consumer: string) {
    this.#nats = nats;
    this.#consumer = consumer;
    nats.subscribe(`${this.#inbox}.*`, { callback: (_error, message) => this.#came(message) });
    this.#sweep = setInterval(() => this.#forgetOld(), PULL_MS);
  }

  /** The next message; undefined when none has come for as long as a request waits, or the connection was lost. */
  async next(): Promise<Delivery | undefined> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return arrived;
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#plan();
    });
  }

  /** Nothing of what is under way comes any more. */
  lost(): void {
    this.#requests.clear();
    this.#underWay = 0;
    for (const waiter of this.#waiters.splice(0)) waiter(undefined);
  }

  /** What nobody has taken goes to other hosts. */
  close(): void {
    clearInterval(this.#sweep);
    if (!this.#nats.isClosed()) for (const delivery of this.#arrived.splice(0)) delivery.nak();
    this.lost();
  }

  /** One request for all that is asked for in this turn of the event loop. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    process.nextTick(() => {
      this.#isPlanned = false;
      const wanted = this.#waiters.length - this.#underWay;
      if (wanted > 0) this.#request(wanted);
    });
  }

  #request(batch: number): void {
    // The connection tells of it, and with it `lost` is called.
    if (this.#nats.isClosed()) return this.lost();
    const key = String(this.#serial++);
    this.#requests.set(key, { batch, until: performance.now() + PULL_MS + WORD_MS });
    this.#underWay += batch;
    const options = JSON.stringify({ batch, expires: nanos(PULL_MS) });
    this.#nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#consumer}`, options, {
      reply: `${this.#inbox}.${key}`,
    });
  }

  #came(message: Msg): void {
    // What says something about a request has nowhere to be answered.
    if (message.reply === undefined || message.reply === '') return this.#ended(message);
    this.#underWay = Math.max(0, this.#underWay - 1);
    const delivery = new Delivery(this.#nats, message);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#arrived.push(delivery);
    else waiter(delivery);
  }

  /** A request brings nothing more. Where the server has refused it the next is not made at once. */
  #ended({ subject, headers }: Msg): void {
    const key = subject.slice(this.#inbox.length + 1);
    const request = this.#requests.get(key);
    if (request === undefined) return;
    this.#requests.delete(key);
    const said = headers?.get(NOT_BROUGHT) ?? '';
    // Without a number it was refused when it came.
    const left = said === '' ? request.batch : Number(said);
    this.#giveUp(left, headers?.code === EXPIRED ? 0 : RETRY_MS);
  }

  /** So many messages do not come: whoever has waited longest is told, after `delay` milliseconds. */
  #giveUp(count: number, delay: number): void {
    this.#underWay = Math.max(0, this.#underWay - count);
    const waiters = this.#waiters.splice(0, count);
    const tell = () => {
      for (const waiter of waiters) waiter(undefined);
    };
    if (delay === 0) tell();
    else setTimeout(tell, delay);
  }

  /** Of requests that were served whole the server says nothing; when none is left, nothing is under way. */
  #forgetOld(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#requests) {
      if (until > now) return;
      this.#requests.delete(key);
    }
    if (this.#underWay > 0) this.#giveUp(this.#underWay, 0);
  }
}
