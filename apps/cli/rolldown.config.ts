import { library } from '../../rolldown.base.js';

export default library(['main', 'program', 'index', 'watch/load-hooks']);
