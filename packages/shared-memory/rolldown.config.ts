import { library } from '../../rolldown.base.js';

export default library(['index', 'shm-typed-array', 'wait-thread']);
