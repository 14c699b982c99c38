import { library } from '../../rolldown.base.js';

export default library(
  [
    'index',
    'main',
    'metrics',
    'program',
    'resumable',
    'testing',
    'reactor/reactor-thread',
    // Roles: a process loads its own alone, see take-role.ts and warm-up.ts.
    'master/master',
    'manager/manager',
    'worker/worker',
    'worker/served-sessions',
    'base/own-reactor',
    'programs/listen-capture',
    'tasks/task-worker',
    'worker/user-process',
    'admin/admin-process',
    'admin/admin',
  ],
  ['valibot', '@valibot/to-json-schema'],
  // The server waits for its role when it is loaded, and loads roles while it does: these must not need its file.
  { apart: /\/src\/api\/server\.ts$/ },
);
