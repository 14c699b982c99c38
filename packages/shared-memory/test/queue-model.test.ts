import { expect, test } from 'vitest';
import { explore } from './model/explore.js';
import { type QueueScenario, queueScenario } from './model/queue-scenario.js';

const p = (id: number) => ({ posts: [{ id }] });
const sup = { supervises: 'rejects' } as const;
const cases: Record<string, QueueScenario> = {
  '2p1c': { slots: 2, roles: [p(1), p(2), { takes: 'all' }] },
  '1p2c': { slots: 2, roles: [{ posts: [{ id: 1 }, { id: 2 }] }, { takes: 'one' }, { takes: 'one' }] },
  full: { slots: 2, roles: [{ posts: [{ id: 1 }, { id: 2 }, { id: 3 }] }, { takes: 'all' }] },
  'full withdraw': {
    slots: 2,
    roles: [{ posts: [{ id: 1 }, { id: 2, withdraw: true }, { id: 3 }] }, { takes: 'all' }],
  },
  targeted: {
    slots: 2,
    roles: [{ posts: [{ id: 1, target: 1 }, { id: 2 }] }, { takes: 'all' }, { takes: 'one' }],
  },
  targeted2: {
    slots: 2,
    roles: [{ posts: [{ id: 1, target: 1 }] }, { takes: 'one' }, p(2), { takes: 'one' }],
  },
  '1p1c supervised both': { slots: 2, roles: [p(1), { takes: 'all' }, sup], mortal: [0, 1], deaths: 2 },
  '2p supervised': { slots: 2, roles: [p(1), p(2), sup], mortal: [0], deaths: 1 },
  '2c supervised': {
    slots: 2,
    roles: [p(1), { takes: 'all' }, { takes: 'all' }, sup],
    mortal: [1],
    deaths: 1,
  },
  '2c supervised retry': {
    slots: 2,
    roles: [p(1), { takes: 'all' }, { takes: 'all' }, { supervises: 'retries' }],
    mortal: [1],
    deaths: 1,
  },
  '2p1c supervised': { slots: 2, roles: [p(1), p(2), { takes: 'all' }, sup], mortal: [0], deaths: 1 },
};
for (const [name, scenario] of Object.entries(cases)) {
  test(name, () => {
    const start = performance.now();
    const explored = explore(queueScenario(scenario));
    console.log(name, explored, performance.now() - start);
    expect(explored.ends).toBeGreaterThan(0);
  }, 600_000);
}
