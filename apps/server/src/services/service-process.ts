/** What a service process runs: its service, and nothing of the program. */
import { inherit } from '@millrace/process-pool';
import { type Registered, RoleStart } from '../api/role-start.js';
import { ServerStarts } from '../api/server-starts.js';
import { Handlers } from '../contract/events.js';
import type { RoleAssignment } from '../contract/role.js';
import type { ServiceAssignment } from '../contract/service.js';
import { interruptible } from '../diagnosis/diagnosis.js';
import { PeerIdentity } from '../links/peer-identity.js';
import { openLog } from '../log/open-log.js';
import { originOfService } from '../log/origin.js';
import { captureOutput } from '../log/output-pipes.js';
import { ProcessMessages } from '../messages/process-messages.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { ProcessTimers } from '../process/process-timers.js';
import { leaveSignalsToMaster } from '../process/termination.js';
import { loadModules } from './loaded-modules.js';

interruptible();
leaveSignalsToMaster();
const child = inherit();
if (child === undefined) throw new Error('This module is run by a server, and by nothing else.');
const assignment = child.data as RoleAssignment;
const { service, options, topology } = assignment.service as ServiceAssignment;
const origin = originOfService(service.name);
captureOutput(child.descriptors, origin);

// Below another root directory there are none.
await loadModules(service);

const registered: Registered = {
  // Of the others nothing is asked here.
  options: options as ResolvedOptions,
  handlers: new Handlers(),
  ports: [],
  isLean: false,
  topology,
  userProcesses: [],
  plan: assignment.plan ?? {},
  served: new Map(),
  of: () => new Handlers(),
  tables: { descriptors: {}, reads: function* () {} },
};
const processLog = openLog(options, origin, child);
const messages = new ProcessMessages({
  identity: new PeerIdentity('service', assignment.id, registered),
  handlers: registered.handlers,
  logs: processLog,
  maxWaitTime: options.maxWaitTime,
});
const start = new RoleStart({
  child,
  assignment,
  registered,
  processLog,
  messages,
  timers: new ProcessTimers(),
  starts: new ServerStarts(child, assignment),
  program: undefined,
});
await start.run(await start.take());
