import { type MetricsContentType, MetricsPage, negotiateContentType } from '@millrace/metrics/text';
import { serverFamilies } from '../metrics/render.js';
import type { Registries } from './registries.js';
import type { Reply } from './replies.js';
import type { ListenerReport } from './schemas.js';
import type { ServerView } from './server-view.js';
import type { WorkView } from './work-view.js';

/** Pages in the formats that have been asked for: what is on them changes in its numbers alone, from one scrape to the next. */
const pages = new Map<MetricsContentType, MetricsPage>();

/** The page that Prometheus reads, in the format that it asks for: the server's own metrics, and those of its program. */
export function metricsPage(
  view: ServerView,
  registries: Registries,
  work: WorkView,
  accept: string | undefined,
): Reply {
  const now = Date.now();
  const stats = view.stats();
  const counted = registries.ofServer();
  const input = {
    stats,
    running: work.running(),
    queues: work.queues(stats),
    listeners: view.listeners.all().map((listener) => ({ ...listener, address: addressOf(listener) })),
    tables: work.tables(counted),
    processes: view.processes.all().map(({ role, id, state, cpuMs, memory, uptimeMs, loopDelayP99Ms }) => ({
      role: role === 'user-process' ? 'user' : role.replace('-', '_'),
      id,
      // One that waits is not down: nothing is to be done about it.
      ready: state === 'standby' ? undefined : state === 'ready',
      cpuSeconds: cpuMs === null ? undefined : cpuMs / 1_000,
      residentBytes: memory ?? undefined,
      eventLoopDelay: loopDelayP99Ms === null ? undefined : loopDelayP99Ms / 1_000,
      startTime: uptimeMs === null ? undefined : Math.round(now - uptimeMs) / 1_000,
    })),
  };
  const contentType = negotiateContentType(accept);
  const page = pages.get(contentType) ?? new MetricsPage({ contentType });
  pages.set(contentType, page);
  const families = registries.joinedTo(serverFamilies(input), counted);
  return { text: page.render(families), contentType };
}

/** A path, a port with its host, or nothing where that is not known. */
function addressOf({ host, port, path }: ListenerReport): string {
  if (path !== null) return path;
  if (port === null) return '';
  return host === null ? String(port) : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
