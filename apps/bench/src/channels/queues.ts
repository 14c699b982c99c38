import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bytesCodec, type Codec, msgpackCodec, type TransportChannel } from '@millrace/channel';
import {
  freeSystemVQueueChannel,
  openPosixQueueChannel,
  openSystemVQueueChannel,
  unlinkPosixQueueChannel,
} from '@millrace/msg-queue';
import type { Kind, Mechanism, Message, Side } from './side.js';

/** Where the peer finds what names the queues. */
const VARIABLE = 'MILLRACE_BENCH_QUEUE';

/** A channel over two queues of a number of the measuring process's own. */
interface Queues {
  open(number: number, side: 'left' | 'right', codec: Codec<Message>): TransportChannel<Message>;
  remove(number: number): void;
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
    onMessage: (listener) => channel.onMessage(listener),
    close,
  };
}

function mechanism({ open, remove }: Queues): Mechanism {
  return {
    async start(peer, args, { kind }) {
      const number = process.pid;
      const channel = open(number, 'left', codec(kind));
      const child: ChildProcess = spawn(process.execPath, [fileURLToPath(peer), ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, [VARIABLE]: String(number) },
      });
      await once(child, 'spawn');
      return sideOf(channel, () => {
        // The queues outlive their users, who are told nothing: they have to go by themselves.
        child.kill('SIGKILL');
        channel.destroy();
        remove(number);
      });
    },
    async open({ kind }) {
      const channel = open(Number(process.env[VARIABLE]), 'right', codec(kind));
      return sideOf(channel, () => channel.destroy());
    },
  };
}

const posixName = (number: number) => `/millrace-bench-${number}`;
/** Keys that are this program's, by their upper half. */
const systemVKeys = (number: number) => [0x4d420000 + 2 * number, 0x4d420001 + 2 * number] as const;

export const posixQueue = mechanism({
  open: (number, side, codec) => openPosixQueueChannel(posixName(number), side, { codec }),
  remove: (number) => unlinkPosixQueueChannel(posixName(number)),
});

export const systemVQueue = mechanism({
  open: (number, side, codec) => openSystemVQueueChannel(systemVKeys(number), side, { codec }),
  remove: (number) => freeSystemVQueueChannel(systemVKeys(number)),
});
