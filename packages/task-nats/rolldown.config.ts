import { library } from '../../rolldown.base.js';

export default library(['index', 'recipe', 'bus', 'nats-bus']);
