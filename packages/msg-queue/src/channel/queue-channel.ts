import { tmpdir } from 'node:os';
import {
  type ChannelOptions,
  type Codec,
  checkOptions,
  msgpackCodec,
  optionNames,
  pickOptions,
  TransportChannel,
} from '@millrace/channel';
import type { SystemVKey } from '@millrace/native/internal';
import { POSIX_OPTIONS, type PosixQueueOptions } from '../posix/posix-open.js';
import { PosixQueue } from '../posix/posix-queue.js';
import type { MessageQueue } from '../queue/message-queue.js';
import { keyName, SYSTEM_V_OPTIONS, type SystemVQueueOptions, toKey } from '../system-v/system-v-open.js';
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

const TRANSPORT_NAMES = { directory: true, maxMessageSize: true, sweepGrace: true } as const;
const POSIX_TRANSPORT_OPTIONS = optionNames<PosixTransportOptions>({ ...TRANSPORT_NAMES, priority: true });
const SYSTEM_V_TRANSPORT_OPTIONS = optionNames<SystemVTransportOptions>({
  ...TRANSPORT_NAMES,
  type: true,
  receiveType: true,
});

/** A transport over POSIX queues. */
export class PosixQueueTransport extends QueueTransport {
  constructor({ outgoing, incoming }: TransportQueues<PosixQueue>, options: PosixTransportOptions = {}) {
    checkOptions(options, POSIX_TRANSPORT_OPTIONS, 'A PosixQueueTransport');
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
    checkOptions(options, SYSTEM_V_TRANSPORT_OPTIONS, 'A SystemVQueueTransport');
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

/** The System V queues of a channel: what the left side sends goes to the first. */
export type SystemVKeys = readonly [toRight: SystemVKey, toLeft: SystemVKey];

/**
 * A channel over two queues of the system, which hold messages when no process is there: POSIX queues by a name, System V
 * queues by two keys. Its statistics and reports include what was no message of any channel.
 */
export class QueueChannel<Out, In = Out> extends TransportChannel<Out, In> {
  readonly transport: QueueTransport;

  constructor(transport: QueueTransport, codec: Codec<Out, In>, options: ChannelOptions = {}) {
    super(transport, codec, options);
    this.transport = transport;
  }

  /**
   * Opens one side. The queues are made where they do not exist, and live until {@link QueueChannel.unlink} removes them.
   * Throws `QueueError`, with the limit of the system where one is in the way.
   */
  static open<Out, In = Out>(
    name: string,
    side: Side,
    options?: PosixChannelOptions<Out, In>,
  ): QueueChannel<Out, In>;
  static open<Out, In = Out>(
    keys: SystemVKeys,
    side: Side,
    options?: SystemVChannelOptions<Out, In>,
  ): QueueChannel<Out, In>;
  static open<Out, In = Out>(
    address: string | SystemVKeys,
    side: Side,
    options: PosixChannelOptions<Out, In> | SystemVChannelOptions<Out, In> = {},
  ): QueueChannel<Out, In> {
    return typeof address === 'string'
      ? openPosix(address, side, options)
      : openSystemV(address, side, options);
  }

  /**
   * Removes the queues from the system, and the payloads in `directory` that no process has read; returns how many queues
   * there were.
   */
  static unlink(address: string | SystemVKeys, options: RemoveOptions = {}): number {
    checkOptions(options, REMOVE_OPTIONS, 'QueueChannel.unlink()');
    const { directory = tmpdir() } = options;
    return typeof address === 'string' ? unlinkPosix(address, directory) : unlinkSystemV(address, directory);
  }

  /** The names of the POSIX queues of a channel: what the left side sends goes to the first. */
  static names(name: string): [toRight: string, toLeft: string] {
    return [`${name}.to-right`, `${name}.to-left`];
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

function openPosix<Out, In>(
  name: string,
  side: Side,
  options: PosixChannelOptions<Out, In>,
): QueueChannel<Out, In> {
  checkOptions(options, POSIX_CHANNEL_OPTIONS, 'A channel over POSIX queues');
  const own = pickOptions(options, POSIX_OPTIONS);
  const queues = openBoth(side, QueueChannel.names(name), (of) => PosixQueue.openOrCreate(of, own));
  return channel(
    queues,
    () => new PosixQueueTransport(queues, pickOptions(options, POSIX_TRANSPORT_OPTIONS)),
    options,
  );
}

function openSystemV<Out, In>(
  keys: SystemVKeys,
  side: Side,
  options: SystemVChannelOptions<Out, In>,
): QueueChannel<Out, In> {
  checkOptions(options, SYSTEM_V_CHANNEL_OPTIONS, 'A channel over System V queues');
  const own = pickOptions(options, SYSTEM_V_OPTIONS);
  const queues = openBoth(side, keys, (of) => SystemVQueue.openOrCreate(of, own));
  return channel(
    queues,
    () => new SystemVQueueTransport(queues, pickOptions(options, SYSTEM_V_TRANSPORT_OPTIONS)),
    options,
  );
}

function unlinkPosix(name: string, directory: string): number {
  return QueueChannel.names(name).filter((of) => {
    const removed = PosixQueue.unlink(of);
    removeFiles(directory, posixIdentity({ name: of }));
    return removed;
  }).length;
}

function unlinkSystemV(keys: SystemVKeys, directory: string): number {
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
