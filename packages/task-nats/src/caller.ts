import { randomBytes } from 'node:crypto';
import type {
  CallerBroker,
  CallerEvents,
  EngineCounts,
  EngineTask,
  Fate,
  HostReport,
} from '@millrace/task-broker';
import { asBrokerError, CONSUMER, Connection } from './connection.js';
import type { ResolvedJetStreamOptions } from './options.js';
import { creditWire, idOf, newsWire, replyWire, storedTask, taskWire } from './wire.js';
import { Words } from './words.js';

/** Milliseconds after which a host that has not reported is gone. */
const REPORTED_MS = 10_000;
/** Ids whose place in the stream is remembered: those of tasks that are awaited, and of some that are not. */
const MOST_PLACES = 200_000;

export class JetStreamCaller implements CallerBroker {
  readonly address = randomBytes(9).toString('base64url');
  readonly #connection: Connection;
  readonly #words: Words;
  /** Where the tasks of this caller lie in the stream, oldest first. */
  readonly #places = new Map<string, number>();
  readonly #hosts = new Map<string, { readonly at: number; readonly report: HostReport }>();
  #subscribed = false;

  constructor(options: ResolvedJetStreamOptions) {
    this.#connection = new Connection(options);
    this.#words = new Words(this.#connection);
  }

  open(events: CallerEvents): Promise<void> {
    const { subjects } = this.#connection;
    return this.#connection.open(events, async () => {
      // The client subscribes again itself, with each connection.
      if (this.#subscribed) return;
      this.#subscribed = true;
      const { nats } = this.#connection;
      nats.subscribe(subjects.replies(this.address), {
        callback: (_error, { data }) => {
          const reply = replyWire.decodeForeign(data);
          if (reply !== undefined) events.replied(reply);
        },
      });
      nats.subscribe(subjects.reports, {
        callback: (_error, { data }) => {
          const news = newsWire.decodeForeign(data);
          if (news === undefined) return;
          const { host, ...report } = news;
          this.#hosts.set(host, { at: performance.now(), report });
        },
      });
      await nats.flush();
    });
  }

  now(): number {
    return Date.now();
  }

  async enqueue(task: EngineTask): Promise<string> {
    const id = idOf(task);
    const { js, subjects } = this.#connection;
    try {
      const { seq } = await js.publish(subjects.tasks, taskWire.encode(storedTask(task, Date.now())), {
        msgID: id,
      });
      this.#remember(id, seq);
      return id;
    } catch (error) {
      throw asBrokerError(error);
    }
  }

  /** Out of the stream, whether it waits or runs; and the host that runs it is told. */
  async cancel(id: string): Promise<void> {
    const { manager, nats, subjects } = this.#connection;
    const place = this.#places.get(id);
    nats.publish(subjects.hosts, id);
    try {
      if (place !== undefined) await manager.streams.deleteMessage(subjects.stream, place, false);
    } catch (error) {
      const failed = asBrokerError(error);
      // It is gone already.
      if (failed.code !== 'ERR_MILLRACE_TASK_ENGINE_REFUSED') throw failed;
    }
    await this.#words.insist(id, { kind: 'cancelled' });
    this.#places.delete(id);
  }

  async credit(host: string, id: string, total: number): Promise<void> {
    if (!this.#connection.connected) return;
    this.#connection.nats.publish(this.#connection.subjects.host(host), creditWire.encode({ id, total }));
  }

  lookUp(ids: readonly string[]): Promise<Fate[]> {
    return Promise.all(ids.map((id) => this.#fateOf(id)));
  }

  async counts(): Promise<EngineCounts> {
    const { manager, subjects } = this.#connection;
    try {
      const { num_pending: waiting, num_ack_pending: running } = await manager.consumers.info(
        subjects.stream,
        CONSUMER,
      );
      const hosts: Record<string, HostReport> = {};
      for (const [host, { at, report }] of this.#hosts)
        if (performance.now() - at < REPORTED_MS) hosts[host] = report;
        else this.#hosts.delete(host);
      return { waiting, delayed: 0, running, hosts };
    } catch (error) {
      throw asBrokerError(error);
    }
  }

  keepLoop(on: boolean): void {
    // The client offers no more than this: its socket is not to be had.
    void on;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #fateOf(id: string): Promise<Fate> {
    const said = await this.#said(id);
    if (said !== undefined) return said;
    const place = this.#places.get(id);
    if (place === undefined) return { kind: 'unknown' };
    if (await this.#isThere(place)) return { kind: 'pending' };
    // It may have been settled in between.
    return (await this.#said(id)) ?? { kind: 'unknown' };
  }

  async #said(id: string): Promise<Fate | undefined> {
    const last = await this.#words.get(id);
    if (last === undefined) return undefined;
    const { word } = last;
    if (word.kind === 'claimed') return { kind: 'pending' };
    if (word.kind === 'cancelled') return { kind: 'unknown' };
    return word;
  }

  async #isThere(seq: number): Promise<boolean> {
    const { manager, subjects } = this.#connection;
    try {
      return (await manager.streams.getMessage(subjects.stream, { seq })) !== null;
    } catch (error) {
      const failed = asBrokerError(error);
      if (failed.code === 'ERR_MILLRACE_TASK_ENGINE_REFUSED') return false;
      throw failed;
    }
  }

  #remember(id: string, place: number): void {
    this.#places.set(id, place);
    if (this.#places.size <= MOST_PLACES) return;
    for (const oldest of this.#places.keys()) {
      this.#places.delete(oldest);
      return;
    }
  }
}
