import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { KILL_GRACE_MS } from '../constants.js';
import type { ReloadResult } from '../contract/reload.js';
import type { AdminAssignment } from './admin-assignment.js';
import { HeldProcesses } from './held-processes.js';
import { beginLines } from './line-stream.js';
import type { MasterLink } from './master-link.js';
import type { ProcessWatch } from './process-watch.js';
import type { ProcessReport, ReloadLine } from './schemas.js';
import type { ServerView } from './server-view.js';

/** Milliseconds between two looks at what is left. */
const LOOK_MS = 100;
/** Without a limit of the server's own, milliseconds that a process which keeps its place is waited for. */
const MOST_WAIT_MS = 60_000;

/**
 * Has the server reload, and tells a client of each process that is replaced, a line of JSON each: what has become of it is in the last
 * one. The reload goes on when the client goes away.
 */
export async function reload(
  response: ServerResponse,
  tasksOnly: boolean,
  {
    assignment,
    view,
    watch,
    master,
  }: {
    readonly assignment: Pick<AdminAssignment, 'maxWaitTime'>;
    readonly view: ServerView;
    readonly watch: ProcessWatch;
    readonly master: MasterLink;
  },
): Promise<void> {
  const roles: ProcessReport['role'][] = tasksOnly ? ['task-worker'] : ['worker', 'task-worker'];
  const held = new HeldProcesses(view.processes, roles);
  const before = new Map(
    view.processes
      .all()
      .filter(({ role }) => roles.includes(role))
      .map(({ name, pid }) => [name, pid]),
  );
  const pids = new Map(before);
  const lines = beginLines<ReloadLine>(response, (seconds) => [...held.look(), { type: 'waiting', seconds }]);
  lines.write({ type: 'started', processes: before.size });
  const endWatch = watch.listen(({ process, pid }) => {
    const previousPid = before.get(process);
    if (previousPid === undefined || pid === null || pid === previousPid) return;
    before.set(process, pid);
    lines.write({ type: 'replaced', process, pid, previousPid });
  });
  const result = await master.reload(tasksOnly);
  // The next process of a place is ready, and the one before may still have that: it finishes, or is killed when its time is over.
  const deadline = performance.now() + Math.min(assignment.maxWaitTime, MOST_WAIT_MS) + KILL_GRACE_MS;
  const isLeft = ({ name, pid }: ProcessReport) => pid !== null && pids.get(name) === pid;
  while (result.outcome === 'reloaded' && !response.destroyed && performance.now() < deadline) {
    if (!view.processes.all().some(isLeft)) break;
    await sleep(LOOK_MS);
  }
  // What has become ready a moment ago is told before the end.
  watch.look();
  endWatch();
  lines.end(doneLine(result));
}

function doneLine(result: ReloadResult): ReloadLine {
  return {
    type: 'done',
    outcome: result.outcome,
    replaced: result.outcome === 'requested' ? 0 : result.replaced,
    advice: result.outcome === 'failed' ? result.advice : null,
  };
}
