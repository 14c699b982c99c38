import { createSocketPair, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import { Connection, Reactor } from '@millrace/reactor';
import { expect, onTestFinished, test } from 'vitest';
import { asListener, asReactor, asSession, asWorker } from '../../src/contract/ids.js';
import * as packet from '../../src/links/packet.js';
import { Client, type ClientLink } from '../../src/reactor/client.js';
import { ClientCommands } from '../../src/reactor/client-commands.js';
import { RequestDispatch } from '../../src/reactor/http/request-dispatch.js';
import { Retirements } from '../../src/reactor/http/retirements.js';
import { WorkerDeaths } from '../../src/reactor/http/worker-deaths.js';
import type { ReactorContext } from '../../src/reactor/reactor-context.js';
import * as layout from '../../src/shared/connection-layout.js';
import { ConnectionSlot, ConnectionTable } from '../../src/shared/connection-table.js';
import { SessionTrace } from '../../src/shared/session-trace.js';
import { TRACE_BYTES } from '../../src/shared/trace-layout.js';

const SESSION = asSession(1);
const LISTENER = asListener(0);
const WORKER = asWorker(0);

/** The commands for one client, whose other side is a socket of the test's, and what processes are told. */
function ordersOf() {
  const reactor = new Reactor({ mode: 'blocking' });
  onTestFinished(() => reactor.close());
  const table = new ConnectionTable(new ArrayBuffer(ConnectionTable.bytes(1)), 1);
  const slot = new ConnectionSlot(table).take({
    ...{
      state: layout.OPEN,
      listener: LISTENER,
      reactor: asReactor(0),
      worker: WORKER,
      uid: 0,
      flags: 0,
      reason: 0,
      tlsCell: 0,
    },
    ...{ remotePort: 0, session: SESSION, connectTime: 1, host: '' },
  });
  const client = new Client(SESSION, LISTENER, { slot } as unknown as ClientLink, table.slot(SESSION));
  const told: { type: number; session: number; open: boolean }[] = [];
  const answers = {
    send: ({ type, session, aux }: packet.Packet) => told.push({ type, session, open: aux === 0 }),
  };
  const clients = new Map([[SESSION, client]]);
  const context = {
    reactor,
    clients,
    channels: [answers],
    asides: [],
    out: new packet.Packet(),
    now: () => 1,
    data: { reservedDescriptors: 0, topology: {} },
    port: () => ({ socketBufferSize: 1 << 20 }),
    count: () => {},
    traffic: { sent: () => {} },
    trace: new SessionTrace(new ArrayBuffer(TRACE_BYTES), 0),
  } as unknown as ReactorContext;
  const requests = new RequestDispatch(context);
  const commands = new ClientCommands(context, new WorkerDeaths(context), new Retirements(context), requests);
  const [left, right] = createSocketPair(SOCK_STREAM);
  client.connection = new Connection(reactor, left, {
    context: client,
    handlers: {
      onFrame: () => {},
      onClose: () => {
        clients.delete(SESSION);
        commands.drained(client, false);
      },
    },
  });
  onTestFinished(() => client.connection.destroy());
  const take = (type: number, body = '') =>
    commands.take(new packet.Packet().set(type, SESSION).with(Buffer.from(body)), WORKER);
  return { take, told, leave: () => void syscalls.close(right) };
}

const drained = (open: boolean) => ({ type: packet.DRAINED, session: SESSION, open });

test('whoever asks for room behind what it has sent is told that there is some', () => {
  const { take, told, leave } = ordersOf();
  take(packet.SEND, 'hello');
  take(packet.DRAIN);
  expect(told).toEqual([drained(true)]);
  leave();
});

test('whoever asks for room is told when sending finds the client gone, and once', () => {
  const { take, told, leave } = ordersOf();
  take(packet.SEND, 'hello');
  // No turn has told of it yet.
  leave();
  take(packet.DRAIN);
  expect(told).toEqual([drained(false)]);
  take(packet.DRAIN);
  expect(told).toEqual([drained(false), drained(false)]);
});

test('an order to a client that sending finds gone is dropped', () => {
  const { take, told, leave } = ordersOf();
  take(packet.SEND, 'hello');
  leave();
  take(packet.CLOSE);
  take(packet.PAUSE);
  expect(told).toEqual([]);
});
