import { allBut, packageTests, pureTests } from '@millrace/testkit/vitest';
import type { ViteUserConfig } from 'vitest/config';

const packaged = packageTests();
/** `MILLRACE_TEST_LOG=full` runs the same suites with every server's log on a device that refuses each line. */
const all = { test: { ...packaged.test, setupFiles: ['test/log-readers.ts'] } };

/** What looks at parts alone, in memory of its own. */
const PURE = [
  'test/api/{parts,tables,types}.test.ts',
  'test/base/base-parts.test.ts',
  'test/manager/{hang-watch,vacancies}.test.ts',
  'test/options/option-names.test.ts',
  'test/reactor/{memory-guard,shares}.test.ts',
  'test/sessions/clients.test.ts',
  'test/admin/trace-steps.test.ts',
  'test/worker/rehearsal.test.ts',
  'test/shared/*.test.ts',
  'test/sockets/{large-output,session-link,socket-parts}.test.ts',
];

/** What depends on how messages get to workers and back; the rest of the suite does not. */
const OF_THE_LINKS = [
  'messages',
  'death',
  'request-death',
  'output',
  'sessions',
  'handover',
  'scale',
  'succession',
  'shutdown',
  'fairness',
  'served-deaths',
  'resuming',
];

/**
 * All that starts a server; what cannot hold in base mode says so. `dispatch` and `handover` are of process mode: in base
 * mode a client has the worker that accepts it. `base.test.ts` has what holds there alone.
 */
const OF_THE_MODE = [
  'messages',
  'sessions',
  'file-rights',
  'listeners',
  'inherited',
  'output',
  'limits',
  'bad-input',
  'tasks',
  'askers',
  'task-chaos',
  'remote-tasks',
  'task-queue',
  'task-queue-user',
  'backlog',
  'fairness',
  'descriptors',
  'time',
  'memory',
  'peer-messages',
  'commands',
  'topics',
  'death',
  'rogue',
  'rogue-tasks',
  'life-cycle',
  'surroundings',
  'reload',
  'scale',
  'shutdown',
  'tls',
  'tls-strangers',
  'lingering',
  'succession',
  'second-signal',
  'group-signals',
  'signal-in-start',
  'log',
  'manager-handlers',
  'worker-handlers',
  'served',
  'served-tls',
  'lean',
  'fetch-handler',
  'lean-web-sockets',
  'admin',
  'trace',
];

/** Clients of servers of node:http, whose requests and WebSockets something else may read. */
const OF_THE_ENGINE = ['served', 'served-deaths', 'request-death', 'resuming'];

/** The whole suite with the defaults, its pure tests first; and what depends on it once more with each other way. `support.ts` reads `env`. */
const config: ViteUserConfig = {
  test: {
    ...all.test,
    projects: [
      { test: { ...all.test, ...pureTests(PURE) } },
      { test: { ...all.test, name: 'defaults', include: allBut(PURE), sequence: { groupOrder: 1 } } },
      {
        test: {
          ...all.test,
          name: 'pipe',
          sequence: { groupOrder: 2 },
          include: OF_THE_LINKS.map((name) => `test/**/${name}.test.ts`),
          env: { MILLRACE_TEST_IPC: 'pipe' },
        },
      },
      {
        test: {
          ...all.test,
          name: 'base',
          sequence: { groupOrder: 3 },
          include: OF_THE_MODE.map((name) => `test/**/${name}.test.ts`),
          env: { MILLRACE_TEST_MODE: 'base' },
        },
      },
      {
        test: {
          ...all.test,
          name: 'lean',
          sequence: { groupOrder: 4 },
          include: OF_THE_ENGINE.map((name) => `test/**/${name}.test.ts`),
          env: { MILLRACE_TEST_ENGINE: 'lean' },
        },
      },
    ],
  },
};

export default config;
