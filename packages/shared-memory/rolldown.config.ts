import { library } from '../../rolldown.base.js';

export default library([
  'index',
  'segment',
  'table',
  'lock',
  'atomic',
  'ring',
  'internal',
  'compat/shm-typed-array',
  'wait/wait-thread',
]);
