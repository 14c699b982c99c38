import { expect, test, vi } from 'vitest';
import { Clients } from '../../src/api/clients.js';
import { ManagerRequests } from '../../src/api/manager-requests.js';
import { Registrations } from '../../src/api/registrations.js';
import { SharedTables } from '../../src/api/shared-tables.js';
import type { RoleName } from '../../src/contract/ids.js';
import { asPeer } from '../../src/contract/ids.js';
import { PeerIdentity } from '../../src/links/peer-identity.js';
import { ProcessLog } from '../../src/log/log.js';
import { originOf } from '../../src/log/origin.js';
import { ProcessMessages } from '../../src/messages/process-messages.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { ProcessTimers } from '../../src/process/process-timers.js';
import { RoleLease } from '../../src/process/role-lease.js';

function registrations(): Registrations {
  const options = resolveOptions({
    ...{ port: 0, workerNum: 2, taskWorkerNum: 1, taskTmpdir: '/tmp' },
    ...{ maxWorkerNum: 3, maxTaskWorkerNum: 1 },
  });
  return new Registrations(options, new SharedTables(undefined));
}

function messagesOf(role: RoleName, index: number, registered = registrations()): ProcessMessages {
  return new ProcessMessages({
    identity: new PeerIdentity(role, index, registered),
    handlers: registered.handlers,
    logs: new ProcessLog({
      level: 'silent',
      origin: originOf(role, index),
      file: undefined,
      format: undefined,
    }),
    maxWaitTime: 100,
  });
}

test('what belongs before start is refused once the registrations are closed', () => {
  const registered = registrations();
  expect(registered.addProcess(() => {})).toBe(3);
  registered.close();
  expect(() => registered.addProcess(() => {})).toThrow('addProcess belongs before start');
  expect(() => registered.on('start', () => {})).toThrow('on belongs before start');
  expect(registered.topology.userProcesses).toBe(1);
});

test('a process knows its flat id and the roles of others, and refuses an id that no process has', () => {
  const registered = registrations();
  const taskWorker = new PeerIdentity('taskWorker', 0, registered);
  expect(taskWorker.workerId).toBe(2);
  expect(taskWorker.id).toBe(2);
  expect(taskWorker.roleOf(1)).toBe('worker');
  expect(taskWorker.roleOf('manager')).toBe('manager');
  // There is one as soon as the server is scaled up.
  expect(taskWorker.roleOf(3)).toBe('worker');
  expect(() => taskWorker.roleOf(4)).toThrow(
    'There is no process 4: processes are 0 to 2 (and to 3 where it is scaled up)',
  );
  expect(() => taskWorker.peerOf(-1)).toThrow('There is no process -1');
  const master = new PeerIdentity('master', 0, registered);
  expect([master.id, master.workerId]).toEqual(['master', undefined]);
});

test('below the manager a process asks for a reload, and does not wait for it', async () => {
  const send = vi.fn(() => true);
  const requests = new ManagerRequests({ send }, 'worker', () => {
    throw new Error('no counters are read');
  });
  expect(await requests.reload({ tasksOnly: true })).toEqual({ outcome: 'requested' });
  expect(await requests.stopWorker(asPeer(1))).toEqual({ outcome: 'requested' });
  await requests.shutdown();
  expect(send.mock.calls).toEqual([
    [{ type: 'reload', options: { tasksOnly: true } }],
    [{ type: 'stopWorker', worker: 1 }],
    [{ type: 'shutdown' }],
  ]);
  expect(() => requests.reopenLog()).toThrow('reopenLog is for the master and the manager');
});

test('a command for the own process needs no other; one for another needs the name that answers come to', async () => {
  const messages = messagesOf('worker', 0);
  messages.commands.add('double', ['worker'], (value) => (value as number) * 2);
  expect(await messages.run('double', 0, 21)).toBe(42);
  const lease = new RoleLease(() => {});
  messages.answerTo(lease);
  messages.open({ borrowed: true, descriptor: () => -1 });
  expect(() => messages.run('double', 1, 21)).toThrow('one whose workerStart is over');
});

test('without inboxes a message is refused, and so is one that no handler would take', () => {
  const registered = registrations();
  const messages = messagesOf('master', 0, registered);
  expect(() => messages.pipe.send('text', 0)).toThrow("add server.on('pipeMessage'");
  registered.on('pipeMessage', () => {});
  expect(() => messages.pipe.send('text', 0)).toThrow('sendMessage needs a started server');
});

test('clients are refused where there is no gateway, whatever is asked of them', () => {
  const registered = registrations();
  const identity = new PeerIdentity('master', 0, registered);
  const clients = new Clients({ openGateway: () => undefined }, undefined, registered.listeners, identity);
  expect(() => clients.send(1, 'text')).toThrow('send needs a started server');
  expect(() => clients.stats()).toThrow('stats needs a started server');
  expect(() => clients.send(0, 'text')).toThrow("A session's id is a whole number");
});

test('a timer that goes on is named with the line that made it, until it is cleared', () => {
  const timers = new ProcessTimers();
  const id = timers.tick('at program.ts:1', 1_000, () => {}, []);
  expect(timers.describe()).toEqual(['a timer of every 1000 ms, made at program.ts:1']);
  expect(timers.clear(id)).toBe(true);
  expect(timers.describe()).toEqual([]);
  timers.end();
});

test('a lease is asked for once, and given up once', () => {
  const told: unknown[] = [];
  const lease = new RoleLease(({ type }) => told.push(type));
  lease.request();
  lease.request();
  lease.acquire();
  lease.release();
  lease.release();
  expect(told).toEqual(['leaseWanted', 'leaseReleased']);
});
