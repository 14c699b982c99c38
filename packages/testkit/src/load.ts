import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from './deadline.js';

export interface LoadOptions {
  readonly port: number;
  readonly host?: string;
  /** How many clients at once. Default 20. */
  readonly connections?: number;
  /** Messages under way on each connection. Default 1. */
  readonly depth?: number;
  /** Longest line in bytes; each is of a random length. Default 200. */
  readonly maxLength?: number;
  /** Milliseconds that a client waits from an answer to its next line. Default 0: the load takes what it can get. */
  readonly pause?: number;
  /** Milliseconds after which a line without an answer counts as lost and another is sent. Default 2,000. */
  readonly lostAfter?: number;
}

export interface LoadResult {
  readonly answered: number;
  /** Sent, and never answered in time. */
  readonly lost: number;
  /** Lines that came back but had not been sent, twice, or in the wrong order; the first of them. */
  readonly wrong: readonly string[];
  /** Connections that the server closed or broke off. */
  readonly closed: number;
  /** Milliseconds from a line to its answer: of 99 in 100 not more, and of the slowest. */
  readonly p99: number;
  readonly slowest: number;
}

/** One client: keeps `depth` lines under way, and checks that each comes back once, whole and in order. */
class Client {
  answered = 0;
  lost = 0;
  closed = false;
  stopping = false;
  readonly wrong: string[] = [];
  /** Milliseconds that each answer took. */
  readonly times: number[] = [];
  readonly #socket: Socket;
  readonly #name: string;
  readonly #maxLength: number;
  readonly #pause: number;
  #next = 0;
  #waiting: { line: string; sentAt: number }[] = [];
  #rest = '';

  constructor(socket: Socket, name: string, maxLength: number, pause: number) {
    this.#socket = socket;
    this.#name = name;
    this.#maxLength = maxLength;
    this.#pause = pause;
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => this.#arrived(text));
    socket.on('close', () => {
      this.closed = !this.stopping;
    });
    socket.on('error', () => {});
  }

  get underWay(): number {
    return this.#waiting.length;
  }

  send(): void {
    const line = `${this.#name}:${this.#next++}:${'x'.repeat(randomInt(this.#maxLength))}`;
    this.#waiting.push({ line, sentAt: performance.now() });
    this.#socket.write(`${line}\n`);
  }

  /** Counts what has waited too long as lost. */
  expire(before: number): number {
    const kept = this.#waiting.filter(({ sentAt }) => sentAt > before);
    const lost = this.#waiting.length - kept.length;
    this.#waiting = kept;
    this.lost += lost;
    return lost;
  }

  end(): void {
    this.stopping = true;
    this.#socket.destroy();
  }

  #arrived(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() as string;
    for (const line of lines) {
      const index = this.#waiting.findIndex((waiting) => waiting.line === line);
      if (index < 0) this.wrong.push(line);
      // Lines before it were lost with a worker: answers of one connection keep their order.
      this.lost += Math.max(0, index);
      const answered = this.#waiting.splice(0, index + 1).at(-1);
      if (answered) this.times.push(performance.now() - answered.sentAt);
      this.answered++;
      this.#goOn();
    }
  }

  #goOn(): void {
    if (this.stopping) return;
    if (this.#pause === 0) this.send();
    else
      setTimeout(() => {
        if (!this.stopping) this.send();
      }, this.#pause);
  }
}

/** Sends lines to an echo server while `during` runs, and says what came back. */
export async function echoLoad(options: LoadOptions, during: () => Promise<void>): Promise<LoadResult> {
  const {
    port,
    host = '127.0.0.1',
    connections = 20,
    depth = 1,
    maxLength = 200,
    pause = 0,
    lostAfter = 2_000,
  } = options;
  const clients = await Promise.all(
    Array.from({ length: connections }, async (_, i) => {
      const socket = connect(port, host);
      await within('a connection', new Promise((resolve) => socket.once('connect', resolve)));
      return new Client(socket, `c${i}`, maxLength, pause);
    }),
  );
  for (const client of clients) for (let i = 0; i < depth; i++) client.send();
  const expiry = setInterval(() => {
    for (const client of clients) {
      for (let lost = client.expire(performance.now() - lostAfter); lost > 0; lost--) client.send();
    }
  }, 100);
  try {
    await during();
    // No more is sent; what is under way has its time to come back.
    for (const client of clients) client.stopping = true;
    const end = performance.now() + lostAfter;
    while (clients.some((client) => client.underWay > 0) && performance.now() < end) await sleep(5);
  } finally {
    clearInterval(expiry);
    for (const client of clients) client.expire(Number.POSITIVE_INFINITY);
    for (const client of clients) client.end();
  }
  const sum = (of: (client: Client) => number) => clients.reduce((total, client) => total + of(client), 0);
  const times = clients.flatMap((client) => client.times).sort((a, b) => a - b);
  return {
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    slowest: times.at(-1) ?? 0,
    answered: sum((client) => client.answered),
    lost: sum((client) => client.lost),
    wrong: clients.flatMap((client) => client.wrong).slice(0, 5),
    closed: sum((client) => Number(client.closed)),
  };
}
