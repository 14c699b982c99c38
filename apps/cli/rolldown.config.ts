import { library } from '../../rolldown.base.js';

export default library(
  ['main', 'program', 'index', 'watch/load-hooks', 'config/config-thread'],
  [],
  // The command line needs it before it is known which command there is, and a thread that reads a configuration: neither loads a server.
  { first: /\/src\/(command-error|config\/(config-error|read-config))\.ts$/ },
);
