import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds since 1970 of every sample of a page that is read as blocks: any moment will do. */
const A_MOMENT = 1_700_000_000;

/** Why a page cannot be checked here; undefined where it can, and in CI, where it has to be. */
export function whyNoPromtool(): string | undefined {
  if (process.env.CI !== undefined) return undefined;
  const { status, error } = spawnSync('promtool', ['--version']);
  return status === 0
    ? undefined
    : `promtool is missing (apt-get install prometheus): ${error?.message ?? status}`;
}

/** What `promtool check metrics` has against a page in the text of Prometheus: nothing, when the page is right. */
export function promtoolComplaints(page: string): string {
  return complaints(spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' }));
}

/**
 * What Prometheus's parser of OpenMetrics has against a page. promtool has no check for that format; it reads the page as a
 * backfill, for which each sample needs a time.
 */
export function openMetricsComplaints(page: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-openmetrics-'));
  try {
    const file = join(directory, 'page');
    writeFileSync(file, page.replaceAll(/^(?!#)(.+)$/gm, `$1 ${A_MOMENT}`));
    const args = ['tsdb', 'create-blocks-from', 'openmetrics', file, join(directory, 'blocks')];
    return complaints(spawnSync('promtool', args, { encoding: 'utf8' }), '');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function complaints(
  { status, stdout, stderr, error }: ReturnType<typeof spawnSync>,
  output: unknown = stdout,
): string {
  if (status === 0) return '';
  return `exit code ${status}: ${error?.message ?? ''}${String(output)}${String(stderr)}`;
}
