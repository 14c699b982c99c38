import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bytesCodec, type Codec, msgpackCodec, type TransportChannel } from '@millrace/channel';
import { QueueChannel } from '@millrace/msg-queue';
import type { Kind, Mechanism, Message, Side } from './side.js';

/** A channel over two queues, whose names are the same each time. */
interface Queues {
  open(side: 'left' | 'right', codec: Codec<Message>): TransportChannel<Message>;
  remove(): unknown;
}

function codec(kind: Kind): Codec<Message> {
  return kind === 'bytes'
    ? (bytesCodec({ view: true }) as unknown as Codec<Message>)
    : msgpackCodec<Message>();
}

function sideOf(channel: TransportChannel<Message>, close: () => void): Side {
  return {
    send: (message) => channel.send(message),
    drained: () => channel.drained(),
    onMessage: (listener) => channel.on('message', listener),
    close,
  };
}

function mechanism({ open, remove }: Queues): Mechanism {
  return {
    async start(peer, args, { kind }) {
      // Queues outlive their users: a run that was killed has left them.
      remove();
      const channel = open('left', codec(kind));
      const child = spawn(process.execPath, [fileURLToPath(peer), ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      return sideOf(channel, () => {
        // It is told nothing when this side goes.
        child.kill('SIGKILL');
        channel.destroy();
        remove();
      });
    },
    async open({ kind }) {
      const channel = open('right', codec(kind));
      return sideOf(channel, () => channel.destroy());
    },
  };
}

const NAME = '/millrace-bench';
const KEYS = [0x4d420001, 0x4d420002] as const;

export const posixQueue = mechanism({
  open: (side, codec) => QueueChannel.open(NAME, side, { codec }),
  remove: () => QueueChannel.unlink(NAME),
});

export const systemVQueue = mechanism({
  open: (side, codec) => QueueChannel.open(KEYS, side, { codec }),
  remove: () => QueueChannel.unlink(KEYS),
});
