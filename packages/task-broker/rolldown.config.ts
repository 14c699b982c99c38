import { library } from '../../rolldown.base.js';

export default library([
  'index',
  'program',
  'contract/contract',
  'contract/contract-tasks',
  'contract/fault-tasks',
  'contract/tasks-with-store',
  'host/task-program',
  'host/broker-main',
  'host/open-host',
  'program/main',
]);
