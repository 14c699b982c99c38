import type { Member } from '@millrace/process-pool';
import { expect, test } from 'vitest';
import type { FromManager } from '../../src/contract/control-messages.js';
import { asPeer } from '../../src/contract/ids.js';
import { RoleLeases } from '../../src/manager/role-leases.js';
import { Vacancies } from '../../src/manager/vacancies.js';

/** A worker whose process has the place, and what is said of it. */
function placeOf(parts: { aside: boolean }) {
  const log: string[] = [];
  const member = {
    pid: 1 as number | undefined,
    spec: { data: { role: 'worker', id: 0 } },
    send: () => log.push('lease'),
  };
  const own = member as unknown as Member;
  const leases = new RoleLeases(() => log.push('granted'));
  const tell = ({ type }: FromManager) => log.push(type);
  const vacancies = new Vacancies(leases, { ...parts, base: undefined }, tell, () => log.push('vacant'));
  leases.grant(own);
  const succeed = (pid: number) => {
    const before = member.pid;
    member.pid = undefined;
    vacancies.begin(own, before);
    leases.ended(own, before);
    member.pid = pid;
    leases.grant(own);
  };
  log.length = 0;
  return { own, log, leases, vacancies, succeed };
}

test('where clients have requests, the next process has the place when they have been told', () => {
  const { own, log, leases, vacancies, succeed } = placeOf({ aside: true });
  succeed(2);
  expect(log).toEqual(['workerDied']);
  vacancies.settled(asPeer(0));
  expect(log).toEqual(['workerDied', 'vacant', 'granted', 'lease']);
  expect(leases.isHeldBy(own, 2)).toBe(true);
});

test('where no client has any, it has the place at once, and the reactor threads hear of the death before', () => {
  const { own, log, leases, vacancies, succeed } = placeOf({ aside: false });
  succeed(2);
  expect(log).toEqual(['workerDied', 'granted', 'lease']);
  // What another part keeps the place for is that part's to end.
  leases.block(own);
  vacancies.settled(asPeer(0));
  expect(log).toEqual(['workerDied', 'granted', 'lease']);
  succeed(3);
  expect(leases.isHeldBy(own, 3)).toBe(false);
  leases.unblock(own);
  expect(leases.isHeldBy(own, 3)).toBe(true);
});

test('one that had it at once, and ends before the threads have answered for the one before, is told of as well', () => {
  const { own, log, leases, vacancies, succeed } = placeOf({ aside: false });
  succeed(2);
  leases.block(own);
  succeed(3);
  expect(log).toEqual(['workerDied', 'granted', 'lease', 'workerDied']);
  vacancies.settled(asPeer(0));
  expect(log).not.toContain('vacant');
  vacancies.settled(asPeer(0));
  expect(log.at(-1)).toBe('vacant');
});
