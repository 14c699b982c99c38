import { library } from '../../rolldown.base.js';

export default library(['index', 'compat/shm-typed-array', 'wait/wait-thread']);
