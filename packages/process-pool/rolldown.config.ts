import { library } from '../../rolldown.base.js';

export default library(['index', 'process', 'internal', 'links', 'child/bind', 'child/enter-directory']);
