import { expect, test } from 'vitest';
import { explore } from './model/explore.js';
import { type QueueScenario, queueScenario, type Role } from './model/queue-scenario.js';

/** Every interleaving of the real source's accesses to shared memory, for queues that are small enough. */
const posts = (...ids: number[]): Role => ({ posts: ids.map((id) => ({ id })) });
const takes: Role = { takes: 'all' };
const takesOne: Role = { takes: 'one' };
const sleepsThenTakesOne: Role = { takes: 'one', asleep: true };
const rejects: Role = { supervises: 'rejects' };
const retries: Role = { supervises: 'retries' };
const one = [{ id: 1 }];
const two = [{ id: 1 }, { id: 2 }];

const always: Record<string, QueueScenario> = {
  'two producers and a consumer': { slots: 2, roles: [posts(1), posts(2), takes] },
  'a producer and two consumers that keep what they take': {
    slots: 2,
    roles: [posts(1, 2), takesOne, takesOne],
  },
  'a producer that waits for room': { slots: 2, waiting: one, roles: [posts(2, 3), takes] },
  'a sleeper that is rung for anyone and takes what is for it alone': {
    slots: 2,
    roles: [
      { posts: [{ id: 1, target: 1 }] },
      sleepsThenTakesOne,
      sleepsThenTakesOne,
      { posts: [{ id: 2 }] },
    ],
  },
  'a producer and a consumer, either or both of which die': {
    slots: 2,
    roles: [posts(1), takes, rejects],
    mortal: [0, 1],
    deaths: 2,
  },
  'a producer that dies beside another': {
    slots: 2,
    roles: [posts(1), posts(2), rejects],
    mortal: [0],
    deaths: 1,
  },
  'a producer that dies while a consumer sleeps': {
    slots: 2,
    roles: [posts(1), { takes: 'all', asleep: true }, rejects],
    mortal: [0],
    deaths: 1,
  },
  'a consumer that dies beside another': {
    slots: 2,
    waiting: one,
    roles: [takes, takes, rejects],
    mortal: [0],
    deaths: 1,
  },
  'a consumer that dies, whose message is put back': {
    slots: 2,
    waiting: one,
    roles: [takes, takes, retries],
    mortal: [0],
    deaths: 1,
  },
  'a message withdrawn behind another, and a consumer': {
    slots: 2,
    waiting: two,
    roles: [{ withdraws: 1 }, takes],
  },
  'a message withdrawn while a producer waits for room': {
    slots: 2,
    waiting: two,
    roles: [{ withdraws: 1 }, posts(3)],
  },
  'a consumer that dies while a producer waits for room': {
    slots: 2,
    waiting: two,
    roles: [posts(3), takesOne, rejects],
    mortal: [1],
    deaths: 1,
  },
  'a supervisor that dies after a consumer, or on the way': {
    slots: 2,
    waiting: one,
    roles: [takes, rejects, rejects],
    mortal: [0, 1],
    deaths: 2,
  },
};

/**
 * With MILLRACE_STRESS=1: some minutes. Each comes to its end: a withdrawal, a producer that waits and a consumer at once do not,
 * and two producers that wait do only with a consumer that keeps what it takes, so the former are explored two by two.
 */
const large: Record<string, QueueScenario> = {
  'a message withdrawn behind another, and two consumers that keep what they take': {
    slots: 2,
    waiting: two,
    roles: [{ withdraws: 1 }, takesOne, takesOne],
  },
  'a producer of more than fits': { slots: 2, roles: [posts(1, 2, 3), takes] },
  'two producers that wait for room': { slots: 2, waiting: two, roles: [posts(3), posts(4), takesOne] },
  'a consumer that dies beside another, two messages': {
    slots: 2,
    waiting: two,
    roles: [takes, takes, rejects],
    mortal: [0],
    deaths: 1,
  },
};

const STRESS = process.env.MILLRACE_STRESS === '1';
for (const [name, scenario] of Object.entries(STRESS ? { ...always, ...large } : always)) {
  test(`whatever the order of their steps: ${name}`, () => {
    const { states, ends } = explore(queueScenario(scenario));
    if (STRESS) console.log(`${states} states, ${ends} ends: ${name}`);
    expect(ends).toBeGreaterThan(0);
  }, 1_200_000);
}
