import { library } from '../../rolldown.base.js';

export default library(['index', 'main', 'reactor/reactor-thread'], ['zod']);
