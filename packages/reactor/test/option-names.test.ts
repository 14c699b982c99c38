import { expect, test } from 'vitest';
import {
  BoundDatagram,
  Connection,
  connect,
  DatagramSocket,
  Listener,
  type ListenerHandlers,
  Reactor,
  TlsAcceptor,
} from '../src/index.js';

const WRONG = { bcklog: 1 };
const LOCAL = { host: '127.0.0.1', port: 0 };
const WRONG_HANDLERS = {
  onFrame: () => {},
  onMessage: () => {},
  onEror: () => {},
  onClos: () => {},
};
const handlers = { onFrame: () => {}, onMessage: () => {} };

test.each<[string, string, (reactor: Reactor) => unknown]>([
  ['A Listener', 'bcklog', () => new Listener({ ...LOCAL, ...WRONG })],
  ['keepAlive', 'idl', () => new Listener({ ...LOCAL, keepAlive: { idl: 1 } as object })],
  ['A BoundDatagram', 'bcklog', () => new BoundDatagram(LOCAL, { ...WRONG } as object)],
  ['A DatagramSocket', 'bcklog', (reactor) => new DatagramSocket(reactor, LOCAL, { handlers, ...WRONG })],
  ['A connection', 'bcklog', (reactor) => new Connection(reactor, -1, { handlers, ...WRONG })],
  ['A TlsAcceptor', 'bcklog', (reactor) => new TlsAcceptor(reactor, WRONG as object)],
  [
    "A TlsAcceptor's sni of a.example",
    'bcklog',
    (reactor) => new TlsAcceptor(reactor, { sni: { 'a.example': WRONG as object } }),
  ],
  ['connect()', 'bcklog', (reactor) => connect(reactor, LOCAL, { handlers, ...WRONG })],
])('%s refuses a misspelt option, %s', async (of, name, call) => {
  using reactor = new Reactor();
  await expect((async () => call(reactor))()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringContaining(`${of} has no option '${name}'`),
  });
});

test.each<[string, (reactor: Reactor) => unknown]>([
  [
    'a Listener',
    (reactor) => {
      const listener = new Listener(LOCAL);
      try {
        listener.start(reactor, { onAccept: () => {}, onAcept: () => {} } as ListenerHandlers);
      } finally {
        listener.close();
      }
    },
  ],
  ['a connection', (reactor) => new Connection(reactor, -1, { handlers: WRONG_HANDLERS })],
  ['a connection', (reactor) => connect(reactor, LOCAL, { handlers: WRONG_HANDLERS })],
  ['a DatagramSocket', (reactor) => new DatagramSocket(reactor, LOCAL, { handlers: WRONG_HANDLERS })],
])('the handlers of %s have no misspelt one', async (of, call) => {
  using reactor = new Reactor();
  await expect((async () => call(reactor))()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringMatching(`^The handlers of ${of} have no 'on`),
  });
});

test('add, set and cycle refuse a misspelt option, and watch nothing', () => {
  using reactor = new Reactor();
  const onRead = () => {};
  expect(() => reactor.add(0, { onRead, triger: 'edge' } as object)).toThrow("did you mean 'trigger'?");
  expect(reactor.has(0)).toBe(false);
  expect(() => reactor.set(0, { onraed: onRead } as object)).toThrow("did you mean 'onRead'?");
  expect(() => reactor.cycle(onRead, { befor: true } as object)).toThrow("did you mean 'before'?");
});
