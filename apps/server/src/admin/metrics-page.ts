import { negotiateContentType, renderFamilies } from '@millrace/metrics/text';
import { serverFamilies } from '../metrics/render.js';
import type { ProgramMetrics } from './program-metrics.js';
import type { Reply } from './replies.js';
import type { ProcessReport } from './schemas.js';
import type { ServerView } from './server-view.js';

/** The page that Prometheus reads, in the format that it asks for: the server's own metrics, and those of its program. */
export async function metricsPage(
  view: ServerView,
  program: ProgramMetrics,
  accept: string | undefined,
): Promise<Reply> {
  const processes = view.processes.all();
  const now = Date.now();
  const input = {
    stats: view.stats(),
    processes: processes.map(({ role, id, cpuMs, memory, uptimeMs }) => ({
      role: role === 'user-process' ? 'user' : role.replace('-', '_'),
      id,
      cpuSeconds: cpuMs === null ? undefined : cpuMs / 1_000,
      residentBytes: memory ?? undefined,
      startTime: uptimeMs === null ? undefined : Math.round(now - uptimeMs) / 1_000,
    })),
    restarts: restartsOf(processes),
  };
  const contentType = negotiateContentType(accept);
  const families = await program.joinedTo(serverFamilies(input));
  return { text: renderFamilies(families, { contentType }), contentType };
}

/** By what came before the new process: an error or a signal, or an order (a reload, a limit that was reached). */
function restartsOf(processes: readonly ProcessReport[]) {
  const roles = [...new Set(processes.map(({ role }) => role))];
  return roles.flatMap((role) => {
    const own = processes.filter((process) => process.role === role && process.restarts !== null);
    if (own.length === 0) return [];
    const failures = own.reduce((sum, process) => sum + (process.failures ?? 0), 0);
    const restarts = own.reduce((sum, process) => sum + (process.restarts ?? 0), 0);
    const label = role.replace('-', '_');
    return [
      { role: label, cause: 'failure', count: failures },
      { role: label, cause: 'order', count: Math.max(0, restarts - failures) },
    ];
  });
}
