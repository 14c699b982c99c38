import { expect, test } from 'vitest';
import { BoundDatagram, Connection, connect, DatagramSocket, Listener, Reactor } from '../src/index.js';

const WRONG = { bcklog: 1 };
const LOCAL = { host: '127.0.0.1', port: 0 };
const handlers = { onFrame: () => {}, onMessage: () => {} };

test.each<[string, string, (reactor: Reactor) => unknown]>([
  ['A Listener', 'bcklog', () => new Listener({ ...LOCAL, ...WRONG })],
  ['keepAlive', 'idl', () => new Listener({ ...LOCAL, keepAlive: { idl: 1 } as object })],
  ['A BoundDatagram', 'bcklog', () => new BoundDatagram(LOCAL, { ...WRONG } as object)],
  ['A DatagramSocket', 'bcklog', (reactor) => new DatagramSocket(reactor, LOCAL, { handlers, ...WRONG })],
  ['A connection', 'bcklog', (reactor) => new Connection(reactor, -1, { handlers, ...WRONG })],
  ['connect()', 'bcklog', (reactor) => connect(reactor, LOCAL, { handlers, ...WRONG })],
])('%s refuses a misspelt option, %s', async (of, name, call) => {
  using reactor = new Reactor();
  await expect((async () => call(reactor))()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringContaining(`${of} has no option '${name}'`),
  });
});
