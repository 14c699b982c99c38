import { type MessagePort, parentPort, Worker } from 'node:worker_threads';
import { Credit } from './credit.js';
import type { Mechanism, Message, Side } from './side.js';

/** Messages that the other side has not taken: posting has no back-pressure of its own, so takings are acknowledged. */
const UNDER_WAY = 1_024;
const ACKNOWLEDGED_AT_ONCE = 128;

function sideOf(port: MessagePort | Worker): Side {
  const credit = new Credit(UNDER_WAY);
  let listen: (message: Message) => void = () => {};
  let taken = 0;
  const on = port.on.bind(port) as (
    event: 'message',
    listener: (message: Message | number) => void,
  ) => unknown;
  on('message', (message) => {
    if (typeof message === 'number') return credit.give(message);
    if (++taken === ACKNOWLEDGED_AT_ONCE) {
      port.postMessage(taken);
      taken = 0;
    }
    listen(message);
  });
  return {
    send(message) {
      port.postMessage(message);
      return credit.take();
    },
    drained: () => credit.available(),
    onMessage(listener) {
      listen = listener;
    },
    close() {
      if (port instanceof Worker) void port.terminate();
      else port.close();
    },
  };
}

export const workerThread: Mechanism = {
  async start(peer, args) {
    return sideOf(new Worker(peer, { argv: [...args] }));
  },
  async open() {
    if (parentPort === null) throw new Error('This module is to be started as a worker thread.');
    return sideOf(parentPort);
  },
};
