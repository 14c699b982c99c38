import type { LinkPlan } from '@millrace/process-pool/links';

/** The plan that the tests of links and their child processes share: a parent and two workers. */
export function planOf(kind: 'ring' | 'pipe'): LinkPlan {
  return {
    label: 'links-test',
    peers: { parent: 2, worker: 2 },
    links: {
      jobs: { from: 'parent', to: 'worker', kind, bytes: (parent) => 16_384 << parent, gather: false },
      extras: { from: { group: 'worker', members: [1] }, to: 'parent', kind: 'socket' },
      inbox: { from: 'worker', to: 'worker', kind: 'inbox' },
    },
    memories: { board: { bytes: 4_096, groups: ['worker'] } },
  };
}
