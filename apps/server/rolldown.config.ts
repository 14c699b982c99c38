import { library } from '../../rolldown.base.js';

export default library(
  [
    'index',
    'main',
    'testing',
    'reactor/reactor-thread',
    // Roles: a process loads its own alone, see take-role.ts and warm-up.ts.
    'master/master',
    'manager/manager',
    'worker/worker',
    'base/own-reactor',
    'tasks/task-worker',
    'worker/user-process',
  ],
  ['valibot'],
);
