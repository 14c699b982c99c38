/**
 * The load client: a process of its own, on a blocking reactor. Keeps one message in flight on each of its busy
 * connections, compares every answer, and prints one line of JSON with rate, latency, and the server's costs.
 *
 *     node load.js PORT BUSY IDLE MILLISECONDS SERVER_PID
 */
import { readFileSync } from 'node:fs';
import { syscalls } from '@millrace/native';
import { connect, Reactor } from '@millrace/reactor';
import { LatencyHistogram } from './latency.js';

/** Of one message, in bytes. */
const MESSAGE = 64;
const WARM_UP_MS = 500;
/** One message of so many is timed: reading the clock twice for each would slow the client down. */
const TIMED = 8;
/** Connections that are opened at the same time, fewer than a backlog holds. */
const OPENING = 200;
/** Milliseconds for the server to come to rest before its memory is read. */
const SETTLE_MS = 1_000;

/** What a run tells. */
export interface LoadResult {
  readonly [metric: string]: number;
  /** Answers per second. */
  readonly rate: number;
  /** Microseconds. */
  readonly p99: number;
  /** Microseconds of processor time that the server took for one message. */
  readonly cpu: number;
  /** Bytes of the server's resident memory for each idle connection; 0 without any. */
  readonly idleBytes: number;
}

const [port, busy, idle, milliseconds, pid] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const reactor = new Reactor({ mode: 'blocking' });
const latency = new LatencyHistogram();
let answers = 0;
let sends = 0;
let counting = false;

/** One busy connection: what it sent, compared with what comes back. */
class Busy {
  readonly #fd: number;
  readonly #sent = Buffer.allocUnsafeSlow(MESSAGE);
  readonly #got = Buffer.allocUnsafeSlow(MESSAGE);
  readonly #sentWords = new Int32Array(this.#sent.buffer);
  readonly #gotWords = new Int32Array(this.#got.buffer);
  #received = 0;
  #start = 0;

  constructor(fd: number, index: number) {
    this.#fd = fd;
    for (let i = 0; i < this.#sentWords.length; i++)
      this.#sentWords[i] = Math.imul(index + 1, 0x9e3779b1 + i);
    reactor.add(fd, { onRead: () => this.#readable(), nonBlocking: true });
  }

  send(): void {
    this.#sentWords[0]!++;
    this.#sentWords[this.#sentWords.length - 1]!--;
    this.#received = 0;
    this.#start = ++sends % TIMED === 0 ? performance.now() : 0;
    if (syscalls.send(this.#fd, this.#sent, 0, MESSAGE) !== MESSAGE)
      throw new Error('The kernel did not take a message.');
  }

  #readable(): void {
    const count = syscalls.receive(this.#fd, this.#got, this.#received, MESSAGE - this.#received);
    if (count <= 0) throw new Error(`The server has closed a connection (${count}).`);
    this.#received += count;
    if (this.#received < MESSAGE) return;
    for (let i = 0; i < this.#sentWords.length; i++) {
      if (this.#gotWords[i] !== this.#sentWords[i]) throw new Error('An answer differs from what was sent.');
    }
    if (counting) {
      answers++;
      if (this.#start > 0) latency.record(performance.now() - this.#start);
    }
    this.send();
  }
}

/** Opens `count` connections, a few at a time, and hands their descriptors to `opened`. */
function open(count: number, opened: (fd: number, index: number) => void, done: () => void): void {
  let started = 0;
  let finished = 0;
  const next = () => {
    if (started === count) return;
    const index = started++;
    connect(
      reactor,
      { host: '127.0.0.1', port },
      { handlers: { onFrame: () => {} } },
      (error, connection) => {
        if (connection === undefined) throw error;
        // Only the descriptor is needed: the load is made with the least that the client can spend.
        reactor.remove(connection.fd);
        opened(connection.fd, index);
        if (++finished === count) done();
        else next();
      },
    );
  };
  if (count === 0) return done();
  for (let i = 0; i < OPENING; i++) next();
}

/** Processor time that the server has used, in seconds; the kernel counts in hundredths. */
function processorTime(): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of the server, in bytes. */
function memory(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

const connections: Busy[] = [];
const before = memory();
let idleBytes = 0;

function load(): void {
  for (const connection of connections) connection.send();
  reactor.timers.after(WARM_UP_MS, () => {
    const cpu = processorTime();
    const start = performance.now();
    counting = true;
    reactor.timers.after(milliseconds, () => {
      const seconds = (performance.now() - start) / 1_000;
      const result: LoadResult = {
        rate: answers / seconds,
        p99: latency.percentile(0.99),
        cpu: ((processorTime() - cpu) * 1e6) / answers,
        idleBytes,
      };
      console.log(JSON.stringify(result));
      reactor.stop();
    });
  });
}

open(
  idle,
  (fd) => void fd,
  () =>
    reactor.timers.after(idle === 0 ? 1 : SETTLE_MS, () => {
      if (idle > 0) idleBytes = (memory() - before) / idle;
      open(busy, (fd, index) => connections.push(new Busy(fd, index)), load);
    }),
);
reactor.run();
process.exit();
