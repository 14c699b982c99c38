import { fstatSync } from 'node:fs';
import {
  CHANNEL_OPTION_NAMES,
  type ChannelOptions,
  type Codec,
  checkOptions,
  msgpackCodec,
  optionNames,
  type Poller,
  TransportChannel,
} from '@millrace/channel';
import { createMemory, MappedMemory, NodePoller } from '@millrace/native';
import { check, createSocketPair, SHUT_RDWR, SOCK_SEQPACKET, syscalls } from '@millrace/native/syscalls';
import { Doorbell } from './doorbell.js';
import { DoorbellListener, type DoorbellListenerOptions } from './doorbell-listener.js';
import { BELL_AT, linkBytes, linkCapacity, otherSide, ringAt, type Side } from './link-layout.js';
import { openRing } from './ring.js';
import { RingTransport } from './transport.js';

/** One end of a link, as descriptors of this process: closed on exec, the end's own. */
export interface RingEnd {
  readonly side: Side;
  /** The shared memory. */
  readonly memory: number;
  /** The event descriptor that wakes this end. */
  readonly bell: number;
  /** The one that wakes the other end. */
  readonly peerBell: number;
  /** One of a socket pair over which nothing is sent: its end tells that the other side has gone. */
  readonly life: number;
}

export interface RingLink {
  readonly left: RingEnd;
  readonly right: RingEnd;
}

export interface RingLinkOptions {
  /**
   * Bytes of each of the two rings, a power of two from 4 KiB to 1 GiB. Messages of up to a quarter lie in it whole, larger
   * ones stream through; the memory is taken as it is first written to. Default 4 MiB.
   */
  readonly capacity?: number | undefined;
}

const LINK_OPTIONS = optionNames<RingLinkOptions>({ capacity: true });

/** Four times the messages of 1 MiB that a ring of 1 MiB carries, which has each copied twice by its writer. */
const DEFAULT_CAPACITY = 4 << 20;
/** The ring itself is the buffer; what waits beside it is copied twice. */
const HIGH_WATER_MARK = 64 * 1024;

/**
 * Makes two rings between two processes or threads. Each end is handed on as descriptors, in the order of
 * {@link descriptorsOf}, and opened with {@link openRingEnd}; a parent that hands one to a child closes its own copy.
 *
 * Throws `ERR_MILLRACE_RING_SIZE`, `ERR_MILLRACE_NO_MEMORY`, `SystemCallError`; then nothing is left open.
 */
export function createRingLink(options: RingLinkOptions = {}): RingLink {
  checkOptions(options, LINK_OPTIONS, 'createRingLink()');
  const { capacity = DEFAULT_CAPACITY } = options;
  const made: number[] = [];
  const keep = (fd: number, call: string): number => {
    made.push(check(fd, call));
    return fd;
  };
  try {
    const memory = keep(createMemory('millrace-ring', linkBytes(capacity)), 'memfd_create');
    // Makes the rings, so that a capacity that cannot be is refused here and not in the child.
    using mapped = new MappedMemory(memory, linkBytes(capacity));
    for (const side of ['left', 'right'] as const) openRing(mapped.buffer, ringAt(side, capacity), capacity);
    const bells = { left: keep(syscalls.eventfd(), 'eventfd'), right: keep(syscalls.eventfd(), 'eventfd') };
    const [leftLife, rightLife] = createSocketPair(SOCK_SEQPACKET);
    made.push(leftLife, rightLife);
    const again = (fd: number) => keep(syscalls.duplicate(fd), 'fcntl');
    return {
      left: { side: 'left', memory, bell: bells.left, peerBell: bells.right, life: leftLife },
      right: {
        side: 'right',
        memory: again(memory),
        bell: again(bells.right),
        peerBell: again(bells.left),
        life: rightLife,
      },
    };
  } catch (error) {
    for (const fd of made) syscalls.close(fd);
    throw error;
  }
}

/** The descriptors of an end in the order that {@link ringEnd} takes them in: for the `stdio` of a child process. */
export function descriptorsOf({
  memory,
  bell,
  peerBell,
  life,
}: RingEnd): readonly [number, number, number, number] {
  return [memory, bell, peerBell, life];
}

/** The end of `side` whose descriptors this process has got from its parent. */
export function ringEnd(side: Side, [memory, bell, peerBell, life]: readonly number[]): RingEnd {
  const all = [memory, bell, peerBell, life];
  if (!all.every((fd) => Number.isInteger(fd)))
    throw new TypeError(`An end has four descriptors, not ${all.join(', ')}.`);
  return { side, memory, bell, peerBell, life } as RingEnd;
}

/** Gives up an end that has not been opened here, such as the copy of one that a child has got. */
export function closeRingEnd(end: RingEnd): void {
  for (const fd of descriptorsOf(end)) syscalls.close(fd);
}

export interface RingChannelOptions<Out, In> extends ChannelOptions, DoorbellListenerOptions {
  /** How values become bytes. Default: {@link msgpackCodec}. Both ends need the same. */
  readonly codec?: Codec<Out, In>;
  /** Largest message in bytes. Default 64 MiB. */
  readonly maxMessageSize?: number;
  /** Bytes waiting in this process, beside the ring, above which `send` returns false. Default 64 KiB. */
  readonly highWaterMark?: number;
  /** The loop to wait in. Default: Node's own loop of this thread. */
  readonly poller?: Poller;
  /**
   * Whether `close` closes the descriptors. False is for those that belong to another part of this process: the other side
   * learns of the end all the same. Default true.
   */
  readonly closeDescriptors?: boolean;
}

/** The names of a ring channel's options, for the lists of options that contain them. */
export const RING_CHANNEL_OPTION_NAMES = {
  ...CHANNEL_OPTION_NAMES,
  spin: true,
  onOverwritten: true,
  codec: true,
  maxMessageSize: true,
  poller: true,
  closeDescriptors: true,
} as const;
export const RING_CHANNEL_OPTIONS =
  optionNames<RingChannelOptions<unknown, unknown>>(RING_CHANNEL_OPTION_NAMES);

/**
 * Opens one end of a link as a channel of values; the end's descriptors are the channel's from here on.
 *
 * The channel ends once the other side has closed its end or died and everything that it sent has been taken. As long as
 * another process keeps the other end's descriptors, a dead side counts as one that will be replaced.
 */
export function openRingEnd<Out, In = Out>(
  end: RingEnd,
  options: RingChannelOptions<Out, In> = {},
): TransportChannel<Out, In> {
  checkOptions(options, RING_CHANNEL_OPTIONS, 'openRingEnd()');
  return openChecked(end, options);
}

/** As {@link openRingEnd}, with options that have been checked, and among which there are others. */
export function openChecked<Out, In = Out>(
  end: RingEnd,
  options: RingChannelOptions<Out, In>,
): TransportChannel<Out, In> {
  const { codec = msgpackCodec<Out, In>(), poller = new NodePoller(), closeDescriptors = true } = options;
  const memory = new MappedMemory(end.memory, fstatSync(end.memory).size);
  const capacity = linkCapacity(memory.length);
  const peer = otherSide(end.side);
  const ringOf = (side: Side) => openRing(memory.buffer, ringAt(side, capacity), capacity);
  const listener = new DoorbellListener(new Doorbell(end.bell, memory.buffer, BELL_AT[end.side]), poller, {
    spin: options.spin,
  });
  const life = poller.add(end.life, () => {
    life.update({ read: false, write: false });
    transport.peerGone();
  });
  const transport = new RingTransport({
    incoming: ringOf(peer),
    outgoing: ringOf(end.side),
    listener,
    peer: new Doorbell(end.peerBell, memory.buffer, BELL_AT[peer]),
    ...(options.maxMessageSize !== undefined && { maxMessageSize: options.maxMessageSize }),
    follow: (on) => (on ? life.ref() : life.unref()),
    onClose: () => {
      listener.close();
      life.close();
      syscalls.shutdown(end.life, SHUT_RDWR);
      if (closeDescriptors) closeRingEnd(end);
      memory.close();
    },
  });
  life.update({ read: true, write: false });
  return new TransportChannel<Out, In>(transport, codec, { highWaterMark: HIGH_WATER_MARK, ...options });
}
