import { library } from '../../rolldown.base.js';

export default library(['index', 'build-addon', 'place-prebuild', 'prebuild-all']);
