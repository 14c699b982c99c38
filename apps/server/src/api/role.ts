import type { ManagerRole } from '../manager/manager.js';
import type { MasterRole } from '../master/master.js';
import type { TaskWorkerRole } from '../tasks/task-worker.js';
import type { UserProcessRole } from '../worker/user-process.js';
import type { WorkerRole } from '../worker/worker.js';

/** What this process does in the server; `name` tells which it is. Of each only the module of its own process is loaded. */
export type Role = MasterRole | ManagerRole | WorkerRole | TaskWorkerRole | UserProcessRole;
