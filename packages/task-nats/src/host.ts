import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Claim,
  ConnectionEvents,
  HostBroker,
  HostEvents,
  HostReport,
  Renewal,
  Reply,
  Settled,
  Settlement,
} from '@millrace/task-broker';
import { asBrokerError, CONSUMER, Connection } from './connection.js';
import type { Delivery } from './delivery.js';
import type { ResolvedJetStreamOptions } from './options.js';
import { Pulls, RETRY_MS } from './pulls.js';
import { claimOf, creditWire, newsWire, replyWire, type StoredTask, taskWire, type Word } from './wire.js';
import { type LastWord, Words } from './words.js';

/** Requests for tasks that nobody waits for yet: one for each task that is being settled. */
const MOST_AHEAD = 1_024;
/** Milliseconds for which a cancellation is remembered whose task is not known yet. */
const REMEMBERED_MS = 10_000;

type Claimed = Extract<Word, { readonly kind: 'claimed' }>;

/** What a host holds of a claim. */
interface Held {
  readonly message: Delivery;
  /** That the attempt has begun. */
  readonly word: Claimed;
  /** Its sequence. */
  after: number;
}

export class JetStreamHost implements HostBroker {
  readonly address = randomBytes(9).toString('base64url');
  readonly renewEvery: number;
  readonly #lock: number;
  readonly #connection: Connection;
  readonly #words: Words;
  readonly #held = new WeakMap<Claim, Held>();
  readonly #cancelled = new Map<string, number>();
  /** Requests for tasks that are under way. */
  readonly #ahead: Promise<Claim | undefined>[] = [];
  #pulls: Pulls | undefined;
  #closing = false;

  constructor(options: ResolvedJetStreamOptions) {
    this.#connection = new Connection(options);
    this.#words = new Words(this.#connection);
    this.#lock = options.lock;
    this.renewEvery = Math.max(10, Math.floor(options.lock / 3));
  }

  open(events: HostEvents): Promise<void> {
    const { subjects } = this.#connection;
    const watched: ConnectionEvents = {
      connected: () => events.connected(),
      away: (error) => {
        this.#pulls?.lost();
        events.away(error);
      },
    };
    return this.#connection.open(watched, async () => {
      // The client subscribes again itself, with each connection.
      if (this.#pulls !== undefined) return;
      const { nats } = this.#connection;
      this.#pulls = new Pulls(nats, `${subjects.stream}.${CONSUMER}`);
      nats.subscribe(subjects.hosts, {
        callback: (_error, message) => {
          this.#remember(message.string());
          events.cancelled(message.string());
        },
      });
      nats.subscribe(subjects.host(this.address), {
        callback: (_error, { data }) => {
          const credit = creditWire.decodeForeign(data);
          if (credit !== undefined) events.credited(credit.id, credit.total);
        },
      });
      await nats.flush();
    });
  }

  now(): number {
    return Date.now();
  }

  async claim(signal: AbortSignal): Promise<Claim | undefined> {
    for (;;) {
      const ahead = this.#ahead.shift();
      // A request cannot be taken back: whoever has made one waits for what it brings.
      if (ahead === undefined && (signal.aborted || this.#closing)) return undefined;
      const claim = await (ahead ?? this.#pulled());
      if (claim !== undefined) return claim;
    }
  }

  /** Of what it is refused, which is delivered again, the host is told at its next request. */
  async #pulled(): Promise<Claim | undefined> {
    if (!this.#connection.connected) {
      await sleep(RETRY_MS);
      return undefined;
    }
    const message = await this.#pulls?.next();
    return message && this.#claimed(message);
  }

  async renew(claims: readonly Claim[]): Promise<Renewal> {
    const lost: Claim[] = [];
    const cancelled: Claim[] = [];
    await Promise.all(
      claims.map(async (claim) => {
        const held = this.#held.get(claim) as Held;
        const { message, after } = held;
        const last = await this.#words.get(claim.id);
        if (last === undefined) await this.#sayAgain(claim, held);
        else if (last.sequence !== after)
          return void (last.word.kind === 'cancelled' ? cancelled : lost).push(claim);
        message.working();
      }),
    );
    return { lost, cancelled };
  }

  async settle(claim: Claim, settlement: Settlement, another: boolean, answer?: Reply): Promise<Settled> {
    const held = this.#held.get(claim) as Held;
    const { message } = held;
    if (settlement.kind === 'again') {
      const last = await this.#words.get(claim.id);
      const isHeld = last === undefined || last.sequence === held.after;
      if (isHeld) message.nak();
      return { held: isHeld, next: undefined };
    }
    if (settlement.kind === 'unbegun') {
      // The next delivery counts on from the attempt before.
      const before = { ...held.word, attempt: claim.attempt - 1 };
      const isHeld = (await this.#words.say(claim.id, before, held.after)) !== undefined;
      if (isHeld) message.nak();
      return { held: isHeld, next: undefined };
    }
    const { kind, body } = settlement;
    // The next task is under way while this one is settled.
    if (another && this.#ahead.length < MOST_AHEAD) {
      const ahead = this.#pulled();
      // The claim that takes it rejects with it.
      ahead.catch(() => {});
      this.#ahead.push(ahead);
    }
    const word = { kind, attempt: claim.attempt, body };
    let said = await this.#words.say(claim.id, word, held.after);
    if (said === undefined && (await this.#words.get(claim.id)) === undefined)
      said = await this.#words.say(claim.id, word, 0);
    if (said === undefined) return { held: false, next: undefined };
    // Where this is lost the task is delivered again, and found to be answered.
    message.ack();
    if (answer !== undefined) await this.reply(claim, answer);
    return { held: true, next: undefined };
  }

  async reply({ replyTo }: Claim, reply: Reply): Promise<void> {
    if (replyTo === undefined) return;
    const { nats, subjects } = this.#connection;
    nats.publish(subjects.replies(replyTo), replyWire.encode(reply));
  }

  progress(claim: Claim, reply: Reply): boolean {
    if (!this.#connection.connected) return false;
    void this.reply(claim, reply);
    return true;
  }

  async report(report: HostReport): Promise<void> {
    if (!this.#connection.connected) return;
    const { nats, subjects } = this.#connection;
    nats.publish(subjects.reports, newsWire.encode({ ...report, host: this.address }));
    await nats.flush();
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#pulls?.close();
    return this.#connection.close();
  }

  /** A delivery as a claim; undefined: it is not to be run, or not now. */
  async #claimed(message: Delivery): Promise<Claim | undefined> {
    const task = taskWire.decodeForeign(message.data);
    // None of ours, for which nobody waits: it would be delivered again for ever.
    if (typeof task?.id !== 'string' || typeof task.name !== 'string') {
      message.term();
      return undefined;
    }
    const deliveries = message.count;
    const { id, notBefore } = task;
    if (notBefore !== undefined && deliveries === 1) {
      message.nak(Math.max(1, notBefore - Date.now()));
      return undefined;
    }
    if (this.#cancelled.size > 0 && this.#cancelled.delete(id)) {
      message.term();
      return undefined;
    }
    const isFirst = deliveries === (notBefore === undefined ? 1 : 2);
    const held = await this.#begin(task, message, isFirst);
    if (held === undefined) return undefined;
    const claim = claimOf(task, held.word.attempt);
    this.#held.set(claim, held);
    return claim;
  }

  /** Says that an attempt begins, so that earlier ones settle nothing; undefined: the task is over, or another host's. */
  async #begin(task: StoredTask, message: Delivery, isFirst: boolean): Promise<Held | undefined> {
    const { id } = task;
    const by = randomBytes(9).toString('base64url');
    // From then on the server delivers it again.
    const until = performance.now() + this.#lock;
    // A first delivery costs no look: where there is a word already, its own is refused.
    let last: LastWord | undefined;
    let look = !isFirst || id.startsWith('key-');
    while (performance.now() < until && !this.#closing) {
      try {
        if (look) last = await this.#words.get(id);
        look = true;
        const before = last?.word;
        if (before !== undefined && before.kind !== 'claimed') {
          message.ack();
          return undefined;
        }
        // It was said, and the server's answer to that was lost.
        if (last !== undefined && before?.by === by) return { message, word: before, after: last.sequence };
        // The server counts wrongly: another host runs it, or has died, and then it is delivered again.
        if (before !== undefined && isFirst) return undefined;
        const word: Claimed = { kind: 'claimed', attempt: (before?.attempt ?? task.earlierAttempts) + 1, by };
        const after = await this.#words.say(id, word, last?.sequence ?? 0);
        if (after !== undefined) return { message, word, after };
      } catch (error) {
        // The connection tells of what it lost; what the server refuses the host is told.
        if (asBrokerError(error).code !== 'ERR_MILLRACE_TASK_ENGINE_AWAY') throw error;
        await sleep(RETRY_MS);
      }
    }
    return undefined;
  }

  /** The stream of the words keeps each for a time, and so many: that of a long task is said again. */
  async #sayAgain(claim: Claim, held: Held): Promise<void> {
    held.after = (await this.#words.say(claim.id, held.word, 0)) ?? held.after;
  }

  #remember(id: string): void {
    const now = performance.now();
    for (const [old, at] of this.#cancelled) {
      if (now - at < REMEMBERED_MS) break;
      this.#cancelled.delete(old);
    }
    this.#cancelled.set(id, now);
  }
}
