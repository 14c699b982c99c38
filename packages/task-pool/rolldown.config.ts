import { library } from '../../rolldown.base.js';

export default library(['index', 'internal', 'pool/worker-main']);
