import { expect, test } from 'vitest';
import { explore } from './model/explore.js';
import { type QueueScenario, queueScenario, type Role } from './model/queue-scenario.js';

/** Every interleaving of the real source's accesses to shared memory, for queues that are small enough. */
const posts = (...ids: number[]): Role => ({ posts: ids.map((id) => ({ id })) });
const takes: Role = { takes: 'all' };
const takesOne: Role = { takes: 'one' };
const rejects: Role = { supervises: 'rejects' };
const retries: Role = { supervises: 'retries' };

const always: Record<string, QueueScenario> = {
  'two producers and a consumer': { slots: 2, roles: [posts(1), posts(2), takes] },
  'a producer and two consumers that are busy after one each': {
    slots: 2,
    roles: [posts(1, 2), takesOne, takesOne],
  },
  'a producer of more than fits': { slots: 2, roles: [posts(1, 2, 3), takes] },
  'two producers that wait for one slot': {
    slots: 2,
    waiting: [{ id: 1 }, { id: 2 }],
    roles: [posts(3), posts(4), takes],
  },
  'a message taken back while another waits before it and a producer for room': {
    slots: 2,
    waiting: [{ id: 1 }],
    roles: [{ posts: [{ id: 2, withdraw: true }] }, posts(3), takesOne],
  },
  'a message for one member, who may be rung for another message': {
    slots: 2,
    roles: [{ posts: [{ id: 1, target: 2 }] }, posts(2), takesOne, takesOne],
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
  'a consumer that dies beside another': {
    slots: 2,
    waiting: [{ id: 1 }, { id: 2 }],
    roles: [takes, takes, rejects],
    mortal: [0],
    deaths: 1,
  },
  'a consumer that dies, and its message is put back': {
    slots: 2,
    waiting: [{ id: 1 }],
    roles: [takes, takes, retries],
    mortal: [0],
    deaths: 1,
  },
};

for (const [name, scenario] of Object.entries(always)) {
  test(name, () => {
    const start = performance.now();
    const explored = explore(queueScenario(scenario));
    console.log(name, explored, Math.round(performance.now() - start));
    expect(explored.ends).toBeGreaterThan(0);
  }, 600_000);
}
