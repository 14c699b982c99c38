import type { ServerResponse } from 'node:http';
import type { ReloadResult } from '../contract/reload.js';
import { beginLines } from './line-stream.js';
import type { MasterLink } from './master-link.js';
import type { ProcessWatch } from './process-watch.js';
import type { ReloadLine } from './schemas.js';
import type { ServerView } from './server-view.js';

/**
 * Has the server reload, and tells a client of each process that is replaced, a line of JSON each: what has become of it is in the last
 * one. The reload goes on when the client goes away.
 */
export async function reload(
  response: ServerResponse,
  tasksOnly: boolean,
  {
    view,
    watch,
    master,
  }: { readonly view: ServerView; readonly watch: ProcessWatch; readonly master: MasterLink },
): Promise<void> {
  const roles = tasksOnly ? ['task-worker'] : ['worker', 'task-worker'];
  const before = new Map(
    view.processes
      .all()
      .filter(({ role }) => roles.includes(role))
      .map(({ name, pid }) => [name, pid]),
  );
  const lines = beginLines<ReloadLine>(response, (seconds) => ({ type: 'waiting', seconds }));
  lines.write({ type: 'started', processes: before.size });
  const endWatch = watch.listen(({ process, pid }) => {
    const previousPid = before.get(process);
    if (previousPid === undefined || pid === null || pid === previousPid) return;
    before.set(process, pid);
    lines.write({ type: 'replaced', process, pid, previousPid });
  });
  const result = await master.reload(tasksOnly);
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
