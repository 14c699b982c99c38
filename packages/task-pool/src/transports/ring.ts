import { TransportChannel } from '@millrace/channel';
import { copyOf } from '@millrace/channel/internal';
import { check, createMemory, MappedMemory, NodePoller, syscalls } from '@millrace/native';
import {
  DOORBELL_BYTES,
  Doorbell,
  DoorbellListener,
  RingTransport,
  ringPieceBytes,
} from '@millrace/shared-memory/internal';
import { openRing, ringBytes } from '@millrace/shared-memory/ring';
import { taskCodec } from '../wire/task-message.js';
import { CHANNEL_OPTIONS, type LargeValues, type TaskTransport } from './transport.js';

/**
 * Two rings for each worker in a memory of their own, after the word of its doorbell:
 *
 *   ┌────────────────────┬───────────────┬───────────────┐
 *   │ its doorbell's word│ ring to it    │ ring from it  │
 *   └────────────────────┴───────────────┴───────────────┘
 *
 * The pool has one doorbell for all of them, whose word lies in the hub.
 */
const MEMORY = 'tasks';
const HUB = 'hub';
const WORKER_BELL = 'worker-bell';
const POOL_BELL = 'pool-bell';

/** Bytes of a ring: room for all tasks that may wait for a worker, or for four values of the largest size kept in memory. */
const RING_BYTES = 1 << 20;
/**
 * Most microseconds that either side polls before it sleeps: about the time of a small task or an immediate answer. A wake-up by
 * the kernel takes as long again, which is most of the cost of a small task.
 */
const SPIN = 100;
const DOWN_AT = DOORBELL_BYTES;
const UP_AT = DOWN_AT + ringBytes(RING_BYTES);
const MEMORY_BYTES = UP_AT + ringBytes(RING_BYTES);

interface RingLink {
  readonly memory: number;
  readonly bell: number;
}

/** Rings in shared memory; a system call only when the other side sleeps. */
export const ringTransport: TaskTransport = {
  createPoolSide(workers, values, _queue, onCorrupt) {
    const made: number[] = [];
    const keep = (fd: number) => {
      made.push(fd);
      return fd;
    };
    const mapped: MappedMemory[] = [];
    const map = (fd: number, bytes: number) => {
      const memory = new MappedMemory(fd, bytes);
      mapped.push(memory);
      return memory.buffer;
    };
    const closeAll = () => {
      for (const memory of mapped) memory.close();
      for (const fd of made) syscalls.close(fd);
    };
    try {
      const hub = keep(createMemory('millrace-task-hub', DOORBELL_BYTES));
      const poolBell = keep(check(syscalls.eventfd(), 'eventfd'));
      const parts: RingLink[] = Array.from({ length: workers }, (_, i) => ({
        memory: keep(createMemory(`millrace-tasks-${i}`, MEMORY_BYTES)),
        bell: keep(check(syscalls.eventfd(), 'eventfd')),
      }));
      const listener = new DoorbellListener(
        new Doorbell(poolBell, map(hub, DOORBELL_BYTES), 0),
        new NodePoller(),
        { spin: SPIN },
      );
      const links = parts.map(({ memory, bell }, worker) => {
        const buffer = map(memory, MEMORY_BYTES);
        const peer = new Doorbell(bell, buffer, 0);
        const corrupt = (error: Error) => onCorrupt(worker, error);
        const { channel, transport } = open(buffer, UP_AT, DOWN_AT, listener, peer, values, corrupt);
        return {
          channel,
          poke: () => transport.pokePeer(),
          distrust: (error: Error) => transport.distrust(error),
          reset: () => transport.reset(),
        };
      });
      return {
        links,
        descriptors: (worker) => {
          const { memory, bell } = parts[worker] as RingLink;
          return { [MEMORY]: memory, [WORKER_BELL]: bell, [HUB]: hub, [POOL_BELL]: poolBell };
        },
        reset: (worker) => links[worker]?.reset(),
        keepLoop: (on) => (on ? listener.ref() : listener.unref()),
        close() {
          for (const { channel } of links) channel.destroy();
          listener.close();
          closeAll();
        },
      };
    } catch (error) {
      closeAll();
      throw error;
    }
  },

  openWorkerSide(child, _worker, values, onCorrupt) {
    const { buffer } = new MappedMemory(child.descriptor(MEMORY), MEMORY_BYTES);
    const hub = new MappedMemory(child.descriptor(HUB), DOORBELL_BYTES);
    const own = new Doorbell(child.descriptor(WORKER_BELL), buffer, 0);
    const listener = new DoorbellListener(own, new NodePoller(), { spin: SPIN });
    const peer = new Doorbell(child.descriptor(POOL_BELL), hub.buffer, 0);
    return open(buffer, DOWN_AT, UP_AT, listener, peer, values, onCorrupt).channel;
  },
};

function open(
  memory: ArrayBuffer,
  incomingAt: number,
  outgoingAt: number,
  listener: DoorbellListener,
  peer: Doorbell,
  { files, inMemory }: LargeValues,
  onCorrupt: (error: Error) => void,
) {
  const transport = new RingTransport({
    incoming: openRing(memory, incomingAt, RING_BYTES),
    outgoing: openRing(memory, outgoingAt, RING_BYTES),
    listener,
    peer,
    // A caller continues in a promise job, and a worker begins a task in a microtask.
    awaited: true,
    onCorrupt,
  });
  const codec = taskCodec({
    files,
    inlineBytes: inMemory ? ringPieceBytes(RING_BYTES) : undefined,
    copy: copyOf,
  });
  const channel = new TransportChannel(transport, codec, CHANNEL_OPTIONS);
  channel.on('badMessage', (error) => transport.distrust(error as Error));
  return { channel, transport };
}
