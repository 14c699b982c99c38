/**
 * What the admin process runs: an HTTP server for what asks how a server of ours is, and tells it what to do. It is no part of the user's
 * program, and knows no more of it than shared memory tells.
 */
import { inherit } from '@millrace/process-pool';
import { ANSWER_FILE } from '../diagnosis/answer-file.js';
import { LOG_RING, NUMBERS, TRACE } from '../links/descriptor-names.js';
import { openLogRing, openTrace } from '../links/shared-resources.js';
import { captureOutput } from '../log/output-pipes.js';
import { takeIdentity } from '../process/identity.js';
import { ADMIN_SOCKET, ADMIN_TCP_SOCKET, type AdminAssignment } from './admin-assignment.js';
import { DashboardFiles } from './dashboard-files.js';
import { Diagnoses } from './diagnoses.js';
import { EventStream } from './event-stream.js';
import { History } from './history.js';
import { AdminHttpServer } from './http-server.js';
import { LogStream } from './log-stream.js';
import { MasterLink } from './master-link.js';
import { ProcessWatch } from './process-watch.js';
import { Queues } from './queues-report.js';
import { Registries } from './registries.js';
import { ServerView } from './server-view.js';
import { Tables } from './tables-report.js';
import { TraceStream } from './trace-stream.js';
import { WorkView } from './work-view.js';

/** Milliseconds after a SIGTERM until it is taken for one to this process alone: the master says when it is to end. */
const ALONE_MS = 2_000;

const child = inherit();
if (child === undefined) throw new Error('This module is run by a server, and by nothing else.');
captureOutput(child.descriptors, { role: 'admin' });
const assignment = child.data as AdminAssignment;
const { tokenHash, user, group } = assignment;
// Not its root directory: what it tells is in /proc. It has all it needs by descriptors.
takeIdentity({ user, group, chroot: undefined });

const view = new ServerView(assignment, (name) => child.descriptor(name));
const registries = new Registries([NUMBERS, ...assignment.registries], (name) => child.descriptor(name));
const queues = new Queues(assignment, view.counters, (name) => child.descriptor(name));
const tables = new Tables(assignment.topology.tables, (name) => child.descriptor(name));
const work = new WorkView(assignment, view, registries, queues, tables);
const watch = new ProcessWatch(view);
const events = new EventStream(view, watch);
const history = new History(view);
const logs = new LogStream(openLogRing(child.descriptor(LOG_RING)), view.processes);
const traces = new TraceStream(openTrace(child.descriptor(TRACE)), view, assignment);
const master = new MasterLink(child);
const diagnoses = new Diagnoses({ view, master, answerFile: child.descriptors.get(ANSWER_FILE) });
const parts = { assignment, view, registries, work, watch, events, history, logs, traces, master, diagnoses };
const dashboard = new DashboardFiles();
const servers = [new AdminHttpServer(parts, undefined, dashboard)];
await servers[0]?.listen(child.descriptor(ADMIN_SOCKET));
if (tokenHash !== undefined) {
  const tcp = new AdminHttpServer(parts, tokenHash, dashboard);
  servers.push(tcp);
  await tcp.listen(child.descriptor(ADMIN_TCP_SOCKET));
}

child.onStop((mode) => {
  if (mode === 'signal') return void setTimeout(() => process.exit(0), ALONE_MS);
  for (const server of servers) server.close();
  events.close();
  history.close();
  logs.close();
  traces.close();
  // What is written by now goes out; a client that reads nothing is not waited for.
  setImmediate(() => process.exit(0));
});
child.ready();
