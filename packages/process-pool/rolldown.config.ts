import { library } from '../../rolldown.base.js';

export default library(['index', 'child/bind', 'child/settle']);
