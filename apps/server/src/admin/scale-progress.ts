import type { ServerResponse } from 'node:http';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import { HeldProcesses } from './held-processes.js';
import { beginLines } from './line-stream.js';
import type { MasterLink } from './master-link.js';
import type { ProcessWatch } from './process-watch.js';
import type { ProcessReport, ScaleLine } from './schemas.js';
import type { ServerView } from './server-view.js';

const SCALED: readonly ProcessReport['role'][] = ['worker', 'task-worker'];

/** Has the server scale, and tells a client of each process that comes or ends, a line of JSON each; the last one says what came of it. */
export async function scale(
  response: ServerResponse,
  options: ScaleOptions,
  {
    view,
    watch,
    master,
  }: { readonly view: ServerView; readonly watch: ProcessWatch; readonly master: MasterLink },
): Promise<void> {
  const pids = new Map<string, number | null>();
  for (const { role, name, pid } of view.processes.all()) if (SCALED.includes(role)) pids.set(name, pid);
  const { workerNum, taskWorkerNum } = view.stats();
  const held = new HeldProcesses(view.processes, SCALED);
  const lines = beginLines<ScaleLine>(response, (seconds) => [...held.look(), { type: 'waiting', seconds }]);
  lines.write({ type: 'started', workers: workerNum, taskWorkers: taskWorkerNum });
  const look = () => {
    const now = new Map(
      view.processes
        .all(0)
        .flatMap(({ role, name, pid, state }) =>
          SCALED.includes(role) ? [[name, { pid, state }] as const] : [],
        ),
    );
    for (const [process, { pid, state }] of now) {
      if (pid === null || state !== 'ready' || pids.get(process) === pid) continue;
      pids.set(process, pid);
      lines.write({ type: 'ready', process, pid });
    }
    for (const [process, pid] of pids) {
      if (now.has(process)) continue;
      pids.delete(process);
      if (pid !== null) lines.write({ type: 'ended', process, pid });
    }
  };
  const endWatch = watch.listen(look);
  const result = await master.scale(options);
  endWatch();
  // What has become ready a moment ago is told before the end.
  look();
  lines.end(doneLine(result));
}

function doneLine(result: ScaleResult): ScaleLine {
  const isKnown = result.outcome !== 'requested';
  return {
    type: 'done',
    outcome: result.outcome,
    workers: isKnown ? result.workers : null,
    taskWorkers: isKnown ? result.taskWorkers : null,
    advice: result.outcome === 'failed' ? result.advice : null,
  };
}
