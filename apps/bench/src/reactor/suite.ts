import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, runModule, startModule } from '../child.js';
import { freePort } from '../free-port.js';
import type { Comparison, Contender, Group } from '../harness.js';
import { loadByC } from '../load/tcpload.js';
import type { LoadResult, Work } from '../load/work.js';
import type { Suite, SuiteOptions } from '../suites.js';

/** What the reactor must reach against node:net, and against the C echo in either mode. */
const NET_BAR = 1.8;
const BLOCKING_BAR = 0.9;
const INSIDE_BAR = 0.8;
/** Idle connections may at most double the p99 of the busy ones. */
const IDLE_BAR = 0.5;
const ECHO_CONNECTIONS = 50;
/** Of one message of the echo. */
const MESSAGE_BYTES = 64;
const BUSY = 100;
const IDLE = 10_000;
/** Descriptors that a process needs beside its connections. */
const SPARE_DESCRIPTORS = 200;
/** Milliseconds of one measurement. */
const WINDOW_MS = 2_000;
const QUICK_WINDOW_MS = 1_000;
/** Seconds that the C echo lives: it takes the time as an argument. */
const C_SECONDS = 30;
/** Milliseconds until the C echo listens; it does not say when. */
const C_START_MS = 200;

type Load = Required<Pick<Work, 'connections' | 'idle' | 'windowMs'>>;

async function load(port: number, server: Child, work: Load): Promise<LoadResult> {
  // Idle connections are what only the client of this project opens.
  const client = process.env.TCPLOAD;
  const whole: Work = { ...work, port, bytes: MESSAGE_BYTES, framing: 'none', pid: server.pid };
  if (client !== undefined && work.idle === 0) return loadByC(client, whole);
  return runModule<LoadResult>(new URL('../load/client.js', import.meta.url), [JSON.stringify(whole)]);
}

/** An echo in a module of ours that prints its port. */
function moduleEcho(name: string, file: string, args: readonly string[], work: Load): Contender {
  const run = async () => {
    const server = startModule(new URL(file, import.meta.url), args);
    try {
      return await load(await server.next<number>(), server, work);
    } finally {
      await server.end();
    }
  };
  return { name, run };
}

/** The echo in C that the user names: `CECHO PORT SECONDS`. */
function cEcho(work: Load): Contender {
  const binary = process.env.CECHO;
  const run = async () => {
    const port = await freePort();
    const server = new Child(binary as string, [String(port), String(C_SECONDS)]);
    try {
      await sleep(C_START_MS);
      return await load(port, server, work);
    } finally {
      await server.end();
    }
  };
  return { name: 'C echo', missing: binary ? undefined : 'not measured: set CECHO to the binary', run };
}

function echoGroup(windowMs: number): Group {
  const work = { connections: ECHO_CONNECTIONS, idle: 0, windowMs };
  const blocking = moduleEcho('reactor, blocking', './echo-reactor.js', ['blocking'], work);
  const inside = moduleEcho("reactor, Node's loop", './echo-reactor.js', ['node'], work);
  const net = moduleEcho('node:net', './echo-net.js', [], work);
  const c = cEcho(work);
  const rate = (ours: Contender, peer: Contender, bar?: number): Comparison => ({
    case: `TCP echo, ${ECHO_CONNECTIONS} connections, ${MESSAGE_BYTES} bytes`,
    unit: 'msg/s',
    metric: 'rate',
    better: 'more',
    ours,
    peer,
    bar,
  });
  const cpu = (ours: Contender, peer: Contender): Comparison => ({
    case: 'the same, processor time of the server',
    unit: 'us/msg',
    metric: 'cpu',
    better: 'less',
    ours,
    peer,
  });
  return {
    contenders: [blocking, net, inside, c],
    comparisons: [
      rate(blocking, net, NET_BAR),
      rate(inside, net, NET_BAR),
      rate(blocking, c, BLOCKING_BAR),
      rate(inside, c, INSIDE_BAR),
      // How much there is to gain on this machine: nothing that asks epoll does with less.
      rate(c, net),
      cpu(blocking, net),
      cpu(inside, net),
      cpu(blocking, c),
      cpu(inside, c),
    ],
  };
}

/** How many idle connections a process may have here. */
function idleCount(): number {
  const limit = /Max open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Math.min(IDLE, Number(limit ?? IDLE) - BUSY - SPARE_DESCRIPTORS);
}

function idleGroup(windowMs: number): Group {
  const idle = idleCount();
  const many = idle.toLocaleString('en-US');
  const crowded = { connections: BUSY, idle, windowMs };
  const alone = { connections: BUSY, idle: 0, windowMs };
  const withIdle = moduleEcho('reactor, with idle ones', './echo-reactor.js', ['blocking'], crowded);
  const without = moduleEcho('reactor, without', './echo-reactor.js', ['blocking'], alone);
  const net = moduleEcho('node:net, with idle ones', './echo-net.js', [], crowded);
  const common = { better: 'less', ours: withIdle } as const;
  return {
    contenders: [withIdle, without, net],
    comparisons: [
      {
        ...common,
        case: `p99 of ${BUSY} busy, ${many} idle`,
        unit: 'us',
        metric: 'p99',
        peer: without,
        bar: IDLE_BAR,
      },
      { ...common, case: `p99 of ${BUSY} busy, ${many} idle`, unit: 'us', metric: 'p99', peer: net },
      { ...common, case: 'memory of an idle connection', unit: 'bytes', metric: 'idleBytes', peer: net },
    ],
  };
}

export const suite: Suite = {
  packages: ['@millrace/reactor', '@millrace/native'],
  groups: ({ quick }: SuiteOptions) => {
    const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
    return [echoGroup(windowMs), idleGroup(windowMs)];
  },
  notes: [
    'One message is in flight on each busy connection; every answer is compared. Server and client are a process each, ' +
      'over the loopback interface. The client needs about as much processor time for a message as the server: where ' +
      'they share a processor, the ratios of the rates come closer to 1 than those of the processor time. TCPLOAD names a ' +
      'C client that needs less.',
    "Memory is the server's resident memory; the kernel's own for each socket is not in it.",
  ],
};
