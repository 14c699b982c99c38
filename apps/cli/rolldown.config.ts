import { library } from '../../rolldown.base.js';

export default library(
  ['main', 'program', 'index', 'watch/load-hooks'],
  [],
  // The command line needs it before it is known which command there is: `--help` loads no server.
  { first: /\/src\/command-error\.ts$/ },
);
