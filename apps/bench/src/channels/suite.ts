import { runModule } from '../child.js';
import type { Comparison, Contender, Group } from '../harness.js';
import type { Suite, SuiteOptions } from '../suites.js';
import { type Arguments, writeArguments } from './arguments.js';
import type { MechanismName } from './mechanisms.js';
import type { Kind } from './side.js';

const SIZES = [
  { size: 64, text: '64 B' },
  { size: 1_024, text: '1 KiB' },
  { size: 65_536, text: '64 KiB' },
  { size: 1 << 20, text: '1 MiB' },
] as const;
const SMALL = 64;
/** Of a larger value, names are too small a part to matter. */
const MOST_AGREED = 1_024;
/** What a pipe must reach against either mode of fork, for small values one way. */
const FORK_BAR = 6;
/** What a ring must reach against a pipe, for bytes one way. */
const PIPE_BAR = 3;
/** Microseconds of a round trip that two ends which spin must stay below. */
const SPINNING_BAR_US = 1;
/** Microseconds that they spin at most before they sleep. */
const SPIN_US = 200;
/** Round trips of a ring without a channel, after as many to warm up. */
const BARE_TRIPS = 500_000;
/** Milliseconds of one measurement, after as much to warm up. */
const WINDOW_MS = 1_000;
const QUICK_WINDOW_MS = 500;
/** Messages of one run of the stress test; five runs come to 10⁸, three quick ones to 10⁶. */
const STRESS = 20_000_000;
const QUICK_STRESS = 333_334;

const OURS: readonly MechanismName[] = ['pipe', 'ring'];
/** They carry less, and keep it when their processes are gone: compared with what a program would take instead. */
const QUEUES: readonly MechanismName[] = ['POSIX queue', 'System V queue'];
const PEERS_OF_QUEUES: readonly MechanismName[] = ['fork advanced', 'unix socket'];
const PEERS: Readonly<Record<Exclude<Kind, 'records'>, readonly MechanismName[]>> = {
  values: ['fork json', 'fork advanced', 'worker thread', 'unix socket', 'zeromq'],
  // JSON has no bytes.
  bytes: ['fork advanced', 'worker thread', 'unix socket', 'zeromq'],
};

type Work = Omit<Arguments, 'mechanism'>;

function contender(mechanism: MechanismName, work: Work, name: string = mechanism): Contender {
  const url = new URL('./run.js', import.meta.url);
  return {
    name,
    run: () => runModule<Record<string, number>>(url, writeArguments({ mechanism, ...work })),
  };
}

/** One way: how many messages, and what they cost either side. */
function oneWay(kind: keyof typeof PEERS, { size, text }: (typeof SIZES)[number], windowMs: number): Group {
  const work: Work = { mode: 'one way', kind, size, windowMs, spin: 0 };
  const [pipe, ring] = OURS.map((name) => contender(name, work)) as [Contender, Contender];
  const peers = PEERS[kind].map((name) => contender(name, work));
  const queues = QUEUES.map((name) => contender(name, work));
  const peersOfQueues = peers.filter(({ name }) => PEERS_OF_QUEUES.includes(name as MechanismName));
  const agreed =
    kind === 'values' && size <= MOST_AGREED
      ? OURS.map((name) => contender(name, { ...work, kind: 'records' }, `${name}, agreed records`))
      : [];
  const name = `${kind} of ${text}, one way`;
  const rate = (ours: Contender, peer: Contender, bar?: number): Comparison => ({
    case: name,
    unit: 'msg/s',
    metric: 'rate',
    better: 'more',
    ours,
    peer,
    bar,
  });
  const cost =
    (side: 'Sender' | 'Receiver') =>
    (ours: Contender, peer: Contender): Comparison => ({
      case: `${name}, processor time of the ${side.toLowerCase()}`,
      unit: 'us/msg',
      metric: `cpu${side}`,
      better: 'less',
      ours,
      peer,
    });
  const forkBar = (peer: Contender) =>
    kind === 'values' && size === SMALL && peer.name.startsWith('fork') ? FORK_BAR : undefined;
  return {
    contenders: [pipe, ring, ...queues, ...agreed, ...peers],
    comparisons: [
      ...peers.map((peer) => rate(pipe, peer, forkBar(peer))),
      ...peers.map((peer) => rate(ring, peer)),
      ...agreed.flatMap((own, i) =>
        peers.map((peer) => rate(own, peer, i === 0 ? forkBar(peer) : undefined)),
      ),
      ...queues.flatMap((queue) => peersOfQueues.map((peer) => rate(queue, peer))),
      rate(ring, pipe, kind === 'bytes' ? PIPE_BAR : undefined),
      ...[...peers, ring].map((peer) => cost('Sender')(pipe, peer)),
      ...[...peers, ring].map((peer) => cost('Receiver')(pipe, peer)),
    ],
  };
}

/** There and back, one message at a time. */
function roundTrip({ size, text }: (typeof SIZES)[number], windowMs: number): Group {
  const work: Work = { mode: 'round trip', kind: 'bytes', size, windowMs, spin: 0 };
  const ours = OURS.map((name) => contender(name, work, `${name}, sleeping`));
  const spinning = contender('ring', { ...work, spin: SPIN_US }, 'ring, spinning');
  const peers = PEERS.bytes.map((name) => contender(name, work));
  const queues = QUEUES.map((name) => contender(name, work));
  const peersOfQueues = peers.filter(({ name }) => PEERS_OF_QUEUES.includes(name as MechanismName));
  const trip = (own: Contender, peer: Contender, bar?: number): Comparison => ({
    case: `bytes of ${text}, there and back`,
    unit: 'us',
    metric: 'microseconds',
    better: 'less',
    ours: own,
    peer,
    bar,
  });
  const bare: Contender = {
    name: 'ring without a channel, spinning',
    run: () => runModule(new URL('./bare-ring.js', import.meta.url), [size, BARE_TRIPS]),
  };
  const taking: Contender = {
    name: 'ring, spinning by tryReceive',
    run: () => runModule(new URL('./taking-ring.js', import.meta.url), [size, BARE_TRIPS]),
  };
  const target: Contender = {
    name: `${SPINNING_BAR_US} us`,
    run: async () => ({ microseconds: SPINNING_BAR_US }),
  };
  return {
    contenders: [...ours, spinning, ...queues, ...peers, ...(size === SMALL ? [taking, bare, target] : [])],
    comparisons: [
      ...[...ours, spinning].flatMap((own) => peers.map((peer) => trip(own, peer))),
      ...queues.flatMap((queue) => peersOfQueues.map((peer) => trip(queue, peer))),
      trip(spinning, ours[1] as Contender),
      ...(size === SMALL ? [trip(spinning, target), trip(taking, target, 1), trip(bare, target)] : []),
    ],
  };
}

/** Every byte of very many messages is checked by the receiver: a run that finds one wrong fails. */
function stress(count: number): Group {
  const url = new URL('./stress.js', import.meta.url);
  const [pipe, ring] = OURS.map(
    (name): Contender => ({
      name,
      run: () => runModule<Record<string, number>>(url, [name, 'sender', count]),
    }),
  ) as [Contender, Contender];
  return {
    contenders: [ring, pipe],
    comparisons: [
      {
        case: `${count.toLocaleString('en-US')} checked messages of 4 to 64 B`,
        unit: 'msg/s',
        metric: 'rate',
        better: 'more',
        ours: ring,
        peer: pipe,
      },
    ],
  };
}

export const suite: Suite = {
  packages: [
    '@millrace/channel',
    '@millrace/pipe-ipc',
    '@millrace/shared-memory',
    '@millrace/msg-queue',
    'msgpackr',
    'zeromq',
  ],
  groups: ({ quick }: SuiteOptions) => {
    const windowMs = quick ? QUICK_WINDOW_MS : WINDOW_MS;
    return [
      ...SIZES.map((size) => oneWay('values', size, windowMs)),
      ...SIZES.map((size) => oneWay('bytes', size, windowMs)),
      ...SIZES.map((size) => roundTrip(size, windowMs)),
      stress(quick ? QUICK_STRESS : STRESS),
    ];
  },
  notes: [
    'Two processes each, but for the worker thread. A value is an object with a number, a boolean and a string that makes ' +
      'up its size; with agreed records its property names do not travel, both ends having been given them. Receivers of bytes over a pipe or a ring are given views; so are those of a unix socket. The unix ' +
      'socket is node:net with four bytes of length, MessagePack by msgpackr, and writes gathered by cork; zeromq is a pair ' +
      'over ipc://; posting to a worker thread has no back-pressure, so its messages are acknowledged in lots of 128. ' +
      "The queues are the system's, with its limits: what does not fit into a message of theirs goes through a file.",
    'Processor time is of the process, user and system; of a worker thread and the thread that started it, of each ' +
      'thread alone, without the garbage collector that works beside it. Two ends that spin need a processor each.',
  ],
};
