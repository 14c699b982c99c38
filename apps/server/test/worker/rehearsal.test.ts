import type { ChildProcessContext } from '@millrace/process-pool';
import { openDescriptors, within } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { asWorker } from '../../src/contract/ids.js';
import { topologyOf } from '../../src/links/topology.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import type { RoleContext } from '../../src/process/role-context.js';
import { type MakeRehearsed, Rehearsal } from '../../src/worker/rehearsal.js';
import { WorkerRole } from '../../src/worker/worker.js';

const options = resolveOptions({ port: 0, workerNum: 3, taskWorkerNum: 2, tasks: { count: () => 1 } });
const tables = { reads: () => [] };
const context = { options, ports: [options.port], tables } as unknown as RoleContext;
const child = { name: 'worker 2', incarnation: 2 } as ChildProcessContext;
const make: MakeRehearsed = (...parts) => new WorkerRole(...parts, asWorker(0));
const topology = topologyOf(options, [options.port], 1, []);

test('messages of nobody are answered, and nothing of that stays open', async () => {
  const before = openDescriptors('self');
  const rehearsal = Rehearsal.open(context, child, topology, make);
  expect(openDescriptors('self')).toBeGreaterThan(before);
  rehearsal.run();
  expect(await within('the rehearsal', rehearsal.over)).toBeUndefined();
  expect(rehearsal.answered).toBe(512);
  expect(openDescriptors('self')).toBe(before);
  rehearsal.close();
  expect(openDescriptors('self')).toBe(before);
});

test('the role begins there as that of a standby does: told to, and with a lease', async () => {
  const begun: string[] = [];
  const rehearsal = Rehearsal.open(context, child, topology, (own, rehearsed, small) => {
    expect(rehearsed.waits).toBe(true);
    own.messages.answerTo = (lease) => void begun.push(`held: ${lease.isHeld}`);
    void rehearsed.begun().then(() => begun.push('begun'));
    const role = make(own, rehearsed, small);
    return {
      start: () => {
        begun.push(`${own.handlers.get('workerStart').length} handler of workerStart`);
        return role.start();
      },
      close: () => role.close(),
    };
  });
  const signals = process.rawListeners('SIGTERM').length;
  rehearsal.run();
  expect(await within('the rehearsal', rehearsal.over)).toBeUndefined();
  expect(begun).toEqual(['held: false', 'begun', '1 handler of workerStart']);
  // Its own reaction to that has taken the place of the one of the role before it.
  expect(process.rawListeners('SIGTERM').length).toBe(signals);
});

test('one that is closed in the middle leaves nothing open, and answers no more', async () => {
  const before = openDescriptors('self');
  const rehearsal = Rehearsal.open(context, child, topology, make);
  rehearsal.run();
  rehearsal.close();
  await rehearsal.over;
  expect(rehearsal.answered).toBe(0);
  expect(openDescriptors('self')).toBe(before);
});

test('one that fails ends with the error, and leaves nothing open: the process goes on', async () => {
  const before = openDescriptors('self');
  // What a session needs to send is not there.
  const rehearsal = Rehearsal.open(
    { options, ports: [], tables } as unknown as RoleContext,
    child,
    topology,
    make,
  );
  rehearsal.run();
  expect(await within('the rehearsal', rehearsal.over)).toBeInstanceOf(Error);
  expect(openDescriptors('self')).toBe(before);
});
