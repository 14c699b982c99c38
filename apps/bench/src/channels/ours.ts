import { bytesCodec, type Codec, msgpackCodec, type TransportChannel } from '@millrace/channel';
import { pipeFromParent, spawnWithPipe } from '@millrace/pipe-ipc';
import { ringFromParent, spawnWithRing } from '@millrace/shared-memory';
import type { Kind, Mechanism, Message, Side } from './side.js';

function codec(kind: Kind): Codec<Message> {
  // A view, as a user would have it who wants to be quick; a pipe's view is of the datagram.
  if (kind === 'bytes') return bytesCodec({ view: true }) as unknown as Codec<Message>;
  return msgpackCodec<Message>(kind === 'records' ? { records: [['last', 'id', 'body']] } : {});
}

function sideOf(channel: TransportChannel<Message>): Side {
  return {
    send: (message) => channel.send(message),
    drained: () => channel.drained(),
    onMessage: (listener) => channel.on('message', listener),
    close: () => channel.destroy(),
  };
}

export const pipe: Mechanism = {
  async start(peer, args, { kind }) {
    return sideOf(spawnWithPipe<Message>(peer, { args, codec: codec(kind) }).pipe);
  },
  async open({ kind }) {
    return sideOf(pipeFromParent<Message>({ codec: codec(kind) }));
  },
};

export const ring: Mechanism = {
  async start(peer, args, { kind, spin }) {
    return sideOf(spawnWithRing<Message>(peer, { args, codec: codec(kind), spin }).ring);
  },
  async open({ kind, spin }) {
    return sideOf(ringFromParent<Message>({ codec: codec(kind), spin }));
  },
};
