import { until } from '@millrace/testkit';
import type { RunningServer } from './support.js';

/** What the fixture `life` has printed of an event. */
export const events = ({ program }: RunningServer, name: string) =>
  [...program.output.matchAll(new RegExp(`^event ${name}\\b(.*)$`, 'gm'))].map(([, rest]) =>
    (rest as string).trim(),
  );

/** Milliseconds that a reload may take: each process of it loads the program, where others keep the processors busy. */
const RELOAD_MS = 50_000;

/** Sends the signal, and waits until the reload that it causes has come to its end. */
export async function reload(
  server: RunningServer,
  signal: NodeJS.Signals,
): Promise<Record<string, unknown>> {
  const before = events(server, 'afterReload').length;
  server.program.kill(signal);
  const result = await until(`the reload by ${signal}`, () => events(server, 'afterReload')[before], {
    deadlineMs: RELOAD_MS,
  });
  return JSON.parse(result) as Record<string, unknown>;
}

/** What workers, the manager and the master have warned of. */
export const warnings = ({ program }: RunningServer) =>
  program.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string; msg: string })
    .filter(({ level }) => ['warn', 'error', 'fatal'].includes(level))
    .map(({ msg }) => msg);
