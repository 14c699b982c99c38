import { library } from '../../rolldown.base.js';

export default library(['index', 'links', 'child/bind', 'child/enter-directory']);
