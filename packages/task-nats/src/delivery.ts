import type { Msg, NatsConnection } from '@nats-io/transport-node';

/** Where in the subject `$JS.ACK.…` of the answer it stands how often a message was delivered: before 2.12, and with domains. */
const COUNT_AT = 4;
const COUNT_WITH_DOMAIN_AT = 6;
const WITH_DOMAIN = 11;
const NANOSECONDS = 1_000_000;

/** A message of a stream that was delivered to this host, and what is said back about it. */
export class Delivery {
  readonly data: Uint8Array;
  readonly #nats: NatsConnection;
  readonly #answerTo: string;

  constructor(nats: NatsConnection, { data, reply = '' }: Msg) {
    this.data = data;
    this.#nats = nats;
    this.#answerTo = reply;
  }

  /** From 1. */
  get count(): number {
    const words = this.#answerTo.split('.');
    return Number(words[words.length < WITH_DOMAIN ? COUNT_AT : COUNT_WITH_DOMAIN_AT]);
  }

  /** It is done with. */
  ack(): void {
    this.#say('+ACK');
  }

  /** It is to be delivered again, after so many milliseconds. */
  nak(delay = 0): void {
    this.#say(delay === 0 ? '-NAK' : `-NAK ${JSON.stringify({ delay: delay * NANOSECONDS })}`);
  }

  /** It is kept for another `ack_wait`. */
  working(): void {
    this.#say('+WPI');
  }

  /** It is never to be delivered again. */
  term(): void {
    this.#say('+TERM');
  }

  #say(what: string): void {
    this.#nats.publish(this.#answerTo, what);
  }
}
