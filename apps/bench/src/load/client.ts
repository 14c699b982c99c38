/**
 * The load client: a process of its own, on a blocking reactor. Keeps messages in flight on its busy connections,
 * compares every answer, and prints one line of JSON with rate, latency, and what both sides cost.
 *
 *     node client.js WORK          (WORK: JSON, see work.ts)
 */
import { type Connection, connect, Reactor } from '@millrace/reactor';
import { Busy, type Tally } from './busy.js';
import { LatencyHistogram } from './latency.js';
import { evenly, ownersOf, sharesOf } from './owners.js';
import { residentBytes, treeTime } from './processor-time.js';
import type { LoadResult, Work } from './work.js';

const WARM_UP_MS = 500;
/** Connections that are opened at the same time, fewer than a backlog holds. */
const OPENING = 200;
/** Milliseconds for the server to come to rest before its memory is read. */
const SETTLE_MS = 1_000;
const US_PER_S = 1e6;
/** Milliseconds until a server has accepted what was opened, and between two looks at it. */
const ACCEPTED_MS = 10_000;
const LOOK_MS = 10;
/** How often as many connections are opened as are to be kept, until each worker has its share of them. */
const DEALS = 20;

const work = JSON.parse(process.argv[2] as string) as Work;
const {
  port,
  bytes,
  framing,
  windowMs,
  pid,
  idle = 0,
  depth = 1,
  kind = 'messages',
  warmUpMs = WARM_UP_MS,
  workers,
} = work;
const address = { host: '127.0.0.1', port };
const reactor = new Reactor({ mode: 'blocking' });
const tally: Tally = { counting: false, answers: 0, latency: new LatencyHistogram() };
const before = residentBytes(pid);
let idleBytes = 0;
let mostClients = 0;

/** Connections that have had their one answer in this turn, and are closed at its end. */
const answered: Connection<Busy>[] = [];
const handlers = {
  // Without framing: the answers are the very bytes that were sent, so they need not be told apart to be compared.
  onFrame: (connection: Connection<Busy>, memory: Buffer, start: number, end: number) => {
    if (connection.context.received(memory, start, end) === 0) return;
    if (kind === 'messages') connection.context.sendOn(connection);
    else answered.push(connection);
  },
  onClose: (connection: Connection<Busy>, reason: string, error?: Error) => {
    if (!leaving.has(connection)) throw new Error(`A connection was closed (${reason}).`, { cause: error });
    leaving.delete(connection);
    if (kind === 'connections') openBusy(1, () => {});
  },
};
/** Connections that have done their one message. */
const leaving = new Set<Connection<Busy>>();
let opened = 0;

/** Opens `count` connections, a few at a time. */
function open(count: number, make: (done: (error?: Error) => void) => void, done: () => void): void {
  let started = 0;
  let finished = 0;
  const next = () => {
    if (started === count) return;
    started++;
    make((error) => {
      if (error !== undefined) throw error;
      if (++finished === count) done();
      else next();
    });
  };
  if (count === 0) done();
  for (let i = 0; i < OPENING; i++) next();
}

function openIdle(done: () => void): void {
  const silent = { handlers: { onFrame: () => {} } };
  open(idle, (opened) => connect(reactor, address, silent, opened), done);
}

function openBusy(count: number, done: () => void, begin = sendOn): void {
  const make = (made: (error?: Error) => void) => {
    const context = new Busy(framing, bytes, depth, opened++, tally);
    connect(reactor, address, { handlers, context }, (error, connection) => {
      if (connection !== undefined) begin(connection);
      made(error);
    });
  };
  open(count, make, done);
}

function sendOn(connection: Connection<Busy>): void {
  connection.context.sendOn(connection);
}

/** Opens connections until each worker has its share, closes those beyond it, and begins with the others. */
function openEvenly(each: number, done: () => void): void {
  const all = new Map<number, Connection<Busy>>();
  let deals = 0;
  const deal = () => {
    if (++deals > DEALS) throw new Error(`Of ${all.size} connections not each worker has ${each}.`);
    openBusy(work.connections, () => whenAccepted(all.size, choose), keep);
  };
  const keep = (connection: Connection<Busy>) => all.set(connection.fd, connection);
  const choose = (owners: ReadonlyMap<number, number>) => {
    const kept = evenly(owners, workers as number, each);
    if (kept === undefined) return deal();
    for (const [fd, connection] of all) {
      if (kept.has(fd)) sendOn(connection);
      else {
        leaving.add(connection);
        connection.close();
      }
    }
    done();
  };
  deal();
}

/** Waits until processes of the server have that many connections; tells which has which. */
function whenAccepted(count: number, then: (owners: Map<number, number>) => void): void {
  const end = performance.now() + ACCEPTED_MS;
  const look = () => {
    const owners = ownersOf(port, pid);
    if (owners.size >= count) return then(owners);
    if (performance.now() > end)
      throw new Error(`Of ${count} connections ${owners.size} were accepted within ${ACCEPTED_MS} ms.`);
    reactor.timers.after(LOOK_MS, look);
  };
  look();
}

/** All are open: looks how they are shared, where that is to be told. */
function begin(): void {
  if (workers === undefined) return measure();
  whenAccepted(work.connections, (owners) => {
    mostClients = sharesOf(owners)[0] ?? 0;
    measure();
  });
}

reactor.cycle(() => {
  for (const connection of answered) {
    leaving.add(connection);
    connection.close();
  }
  answered.length = 0;
});

function measure(): void {
  reactor.timers.after(warmUpMs, () => {
    const server = treeTime(pid);
    const own = process.cpuUsage();
    const start = performance.now();
    tally.counting = true;
    reactor.timers.after(windowMs, () => {
      const { answers, latency } = tally;
      const spent = process.cpuUsage(own);
      const result: LoadResult = {
        rate: answers / ((performance.now() - start) / 1_000),
        p50: latency.percentile(0.5),
        p99: latency.percentile(0.99),
        p999: latency.percentile(0.999),
        cpu: ((treeTime(pid) - server) * US_PER_S) / answers,
        clientCpu: (spent.user + spent.system) / answers,
        idleBytes,
        mostClients,
      };
      console.log(JSON.stringify(result));
      process.exit();
    });
  });
}

openIdle(() =>
  reactor.timers.after(idle === 0 ? 1 : SETTLE_MS, () => {
    if (idle > 0) idleBytes = (residentBytes(pid) - before) / idle;
    if (work.evenly && workers !== undefined) openEvenly(Math.floor(work.connections / workers), begin);
    else openBusy(work.connections, begin);
  }),
);
reactor.run();
