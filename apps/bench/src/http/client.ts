/**
 * The client of the suite `http`, where wrk is not there or cannot do it: a process of its own, on a blocking reactor. Keeps one
 * request under way on each connection and prints one line of JSON.
 *
 *     node client.js WORK          (WORK: JSON, see work.ts)
 */
import { type Connection, connect, Reactor } from '@millrace/reactor';
import { LatencyHistogram } from '../load/latency.js';
import { treeTime } from '../load/processor-time.js';
import type { LoadResult } from '../load/work.js';
import { type Conversation, HttpConversation, WebSocketConversation } from './conversation.js';
import { type HttpWork, WARM_UP_MS } from './work.js';

/** Connections that are opened at the same time, fewer than a backlog holds. */
const OPENING = 100;
const US_PER_S = 1e6;

/** One connection, and when its request was sent. */
interface Client {
  readonly conversation: Conversation;
  sentAt: number;
}

const work = JSON.parse(process.argv[2] as string) as HttpWork;
const { host, port, connections, windowMs, pid, fields, kind = 'http' } = work;
const reactor = new Reactor({ mode: 'blocking' });
const latency = new LatencyHistogram();
let counting = false;
let answers = 0;

const handlers = {
  onFrame: (connection: Connection<Client>, memory: Buffer, start: number, end: number) => {
    const client = connection.context;
    const done = client.conversation.received(memory, start, end);
    if (done === 'more') return;
    if (counting && done === 'answered') {
      answers++;
      latency.record(performance.now() - client.sentAt);
    }
    send(connection);
  },
  onClose: (_connection: Connection<Client>, reason: string, cause?: Error) => {
    throw new Error(`A connection was closed (${reason}).`, { cause });
  },
};

function send(connection: Connection<Client>): void {
  const { context } = connection;
  context.sentAt = performance.now();
  if (!connection.write(context.conversation.next())) throw new Error('A request was not taken.');
}

let started = 0;
let opened = 0;

/** Opens a connection and sends its first request. */
function dial(done: () => void): void {
  const conversation = kind === 'ws' ? new WebSocketConversation(started) : new HttpConversation(fields);
  connect(
    reactor,
    { host, port },
    { handlers, context: { conversation, sentAt: 0 } },
    (error, connection) => {
      if (connection === undefined) throw error;
      send(connection);
      done();
    },
  );
}

function open(): void {
  if (started === connections) return;
  started++;
  dial(() => {
    if (++opened === connections) reactor.timers.after(WARM_UP_MS, measure);
    else open();
  });
}

function measure(): void {
  const server = treeTime(pid);
  const own = process.cpuUsage();
  const start = performance.now();
  counting = true;
  reactor.timers.after(windowMs, () => {
    if (answers === 0) throw new Error(`No request was answered within ${windowMs} ms.`);
    const spent = process.cpuUsage(own);
    const result: LoadResult = {
      rate: answers / ((performance.now() - start) / 1_000),
      p50: latency.percentile(0.5),
      p99: latency.percentile(0.99),
      p999: latency.percentile(0.999),
      cpu: ((treeTime(pid) - server) * US_PER_S) / answers,
      clientCpu: (spent.user + spent.system) / answers,
      idleBytes: 0,
      mostClients: 0,
    };
    console.log(JSON.stringify(result));
    process.exit();
  });
}

for (let i = 0; i < OPENING; i++) open();
reactor.run();
