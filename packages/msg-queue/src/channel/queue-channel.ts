import { tmpdir } from 'node:os';
import {
  type ChannelOptions,
  type ChannelStats,
  type Codec,
  checkOptions,
  msgpackCodec,
  optionNames,
  pickOptions,
  TransportChannel,
} from '@millrace/channel';
import { POSIX_OPTIONS, type PosixQueueOptions } from '../posix/posix-open.js';
import { PosixQueue } from '../posix/posix-queue.js';
import type { MessageQueue } from '../queue/message-queue.js';
import {
  keyName,
  SYSTEM_V_OPTIONS,
  type SystemVKey,
  type SystemVQueueOptions,
  toKey,
} from '../system-v/system-v-open.js';
import { SystemVQueue } from '../system-v/system-v-queue.js';
import { type Direction, QueueTransport, type QueueTransportOptions } from './queue-transport.js';
import { SpillDirectory } from './spill-directory.js';
import { queueToken } from './spill-name.js';

/** The queues of a transport; it takes them over, and closes them. One of them may be absent. */
export interface TransportQueues<Queue> {
  readonly outgoing?: Queue;
  readonly incoming?: Queue;
}

export interface PosixTransportOptions extends QueueTransportOptions {
  /** Of the messages sent; higher ones overtake. Default 0. */
  readonly priority?: number;
}

export interface SystemVTransportOptions extends QueueTransportOptions {
  /** Of the messages sent. Default 1. */
  readonly type?: number;
  /** Which messages to receive: 0 any, n this type, -n the lowest up to n. Default 0. */
  readonly receiveType?: number;
}

/** A transport over POSIX queues. */
export class PosixQueueTransport extends QueueTransport {
  constructor({ outgoing, incoming }: TransportQueues<PosixQueue>, options: PosixTransportOptions = {}) {
    super(
      direction(outgoing, posixIdentity),
      direction(incoming, posixIdentity),
      options.priority ?? 0,
      0,
      options,
    );
  }
}

/** A transport over System V queues. */
export class SystemVQueueTransport extends QueueTransport {
  constructor({ outgoing, incoming }: TransportQueues<SystemVQueue>, options: SystemVTransportOptions = {}) {
    const { type = 1, receiveType = 0 } = options;
    super(
      direction(outgoing, systemVIdentity),
      direction(incoming, systemVIdentity),
      type,
      receiveType,
      options,
    );
  }
}

function direction<Queue extends MessageQueue<unknown>>(
  queue: Queue | undefined,
  identity: (queue: Queue) => string,
): Direction | undefined {
  if (queue === undefined) return undefined;
  return { port: queue.lendPort(), identity: identity(queue), close: () => queue.close() };
}

/** What the tokens of spilled payloads are made of: see spill-name.ts. */
function posixIdentity({ name }: Pick<PosixQueue, 'name'>): string {
  return `posix:${name}`;
}

function systemVIdentity({ key, id }: Pick<SystemVQueue, 'key' | 'id'>): string {
  return key === 0 ? `sysv-id:${id}` : `sysv:${keyName(key)}`;
}

/** A channel whose statistics and reports include what was no message of any channel. */
export class QueueChannel<Out, In = Out> extends TransportChannel<Out, In> {
  readonly transport: QueueTransport;

  constructor(transport: QueueTransport, codec: Codec<Out, In>, options: ChannelOptions = {}) {
    super(transport, codec, options);
    this.transport = transport;
  }

  override onBadMessage(listener: (error: unknown) => void): void {
    super.onBadMessage(listener);
    this.transport.onBadMessage(listener);
  }

  override stats(): ChannelStats {
    const stats = super.stats();
    return { ...stats, bad: stats.bad + this.transport.bad };
  }
}

/** Which end of the two queues this is: what one side sends the other receives. */
export type Side = 'left' | 'right';

interface CodecOption<Out, In> {
  /** How values become bytes. Default: `msgpackCodec`. Both ends need the same. */
  readonly codec?: Codec<Out, In>;
}

export interface PosixChannelOptions<Out, In>
  extends ChannelOptions,
    PosixTransportOptions,
    Omit<PosixQueueOptions, 'access'>,
    CodecOption<Out, In> {}

export interface SystemVChannelOptions<Out, In>
  extends ChannelOptions,
    SystemVTransportOptions,
    SystemVQueueOptions,
    CodecOption<Out, In> {}

const COMMON = {
  highWaterMark: true,
  hardLimit: true,
  batch: true,
  schedule: true,
  directory: true,
  codec: true,
  mode: true,
  poller: true,
  trustedUsers: true,
  maxMessageSize: true,
  sweepGrace: true,
} as const;
const POSIX_CHANNEL_OPTIONS = optionNames<PosixChannelOptions<unknown, unknown>>({
  ...COMMON,
  maxMessages: true,
  messageSize: true,
  priority: true,
});
const SYSTEM_V_CHANNEL_OPTIONS = optionNames<SystemVChannelOptions<unknown, unknown>>({
  ...COMMON,
  capacity: true,
  type: true,
  receiveType: true,
});

export interface RemoveOptions {
  /** The spill directory that the channel was opened with. Default `os.tmpdir()`. */
  readonly directory?: string;
}

const REMOVE_OPTIONS = optionNames<RemoveOptions>({ directory: true });

/** The POSIX queues of a channel: what the left side sends goes to the first. */
export function posixChannelNames(name: string): [toRight: string, toLeft: string] {
  return [`${name}.to-right`, `${name}.to-left`];
}

/** Opens one side of a channel over two POSIX queues, which are made if need be and live until they are unlinked. */
export function openPosixQueueChannel<Out, In = Out>(
  name: string,
  side: Side,
  options: PosixChannelOptions<Out, In> = {},
): QueueChannel<Out, In> {
  checkOptions(options, POSIX_CHANNEL_OPTIONS, 'A channel over POSIX queues');
  const own = pickOptions(options, POSIX_OPTIONS);
  const queues = openBoth(side, posixChannelNames(name), (of) => PosixQueue.openOrCreate(of, own));
  return channel(queues, () => new PosixQueueTransport(queues, options), options);
}

/** Removes the queues of a channel, and the payloads in `directory` that nobody has read; how many queues there were. */
export function unlinkPosixQueueChannel(name: string, options: RemoveOptions = {}): number {
  checkOptions(options, REMOVE_OPTIONS, 'unlinkPosixQueueChannel()');
  const { directory = tmpdir() } = options;
  return posixChannelNames(name).filter((of) => {
    const removed = PosixQueue.unlink(of);
    removeFiles(directory, posixIdentity({ name: of }));
    return removed;
  }).length;
}

/**
 * Opens one side of a channel over two System V queues, which are made if need be and live until they are freed.
 * `keys`: what the left side sends goes to the first.
 */
export function openSystemVQueueChannel<Out, In = Out>(
  keys: readonly [toRight: SystemVKey, toLeft: SystemVKey],
  side: Side,
  options: SystemVChannelOptions<Out, In> = {},
): QueueChannel<Out, In> {
  checkOptions(options, SYSTEM_V_CHANNEL_OPTIONS, 'A channel over System V queues');
  const own = pickOptions(options, SYSTEM_V_OPTIONS);
  const queues = openBoth(side, keys, (of) => SystemVQueue.openOrCreate(of, own));
  return channel(queues, () => new SystemVQueueTransport(queues, options), options);
}

/** Removes the queues of a channel, and the payloads in `directory` that nobody has read; how many queues there were. */
export function freeSystemVQueueChannel(
  keys: readonly [toRight: SystemVKey, toLeft: SystemVKey],
  options: RemoveOptions = {},
): number {
  checkOptions(options, REMOVE_OPTIONS, 'freeSystemVQueueChannel()');
  const { directory = tmpdir() } = options;
  return keys.map(toKey).filter((key) => {
    const removed = SystemVQueue.free(key);
    removeFiles(directory, systemVIdentity({ key, id: 0 }));
    return removed;
  }).length;
}

function removeFiles(directory: string, identity: string): void {
  new SpillDirectory(directory, queueToken(identity), 0).removeAll();
}

/** Opens two queues, or none. */
function openBoth<Of, Queue extends MessageQueue<unknown>>(
  side: Side,
  [toRight, toLeft]: readonly [Of, Of],
  open: (of: Of) => Queue,
): { outgoing: Queue; incoming: Queue } {
  const outgoing = open(side === 'left' ? toRight : toLeft);
  try {
    return { outgoing, incoming: open(side === 'left' ? toLeft : toRight) };
  } catch (error) {
    outgoing.close();
    throw error;
  }
}

function channel<Out, In, Queue extends MessageQueue<unknown>>(
  queues: { outgoing: Queue; incoming: Queue },
  transport: () => QueueTransport,
  options: ChannelOptions & CodecOption<Out, In>,
): QueueChannel<Out, In> {
  try {
    return new QueueChannel(transport(), options.codec ?? msgpackCodec<Out, In>(), options);
  } catch (error) {
    queues.outgoing.close();
    queues.incoming.close();
    throw error;
  }
}
