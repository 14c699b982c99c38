/** The alert rules and the dashboard in docs/monitoring, as they are generated; `vitest run -u` writes them anew. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNoPromtool } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { labelledMetrics, serverMetrics } from '../../src/metrics.js';
import { alerts, ruleFile, ruleTests } from './alerts.js';
import { dashboardFile, expressions } from './grafana.js';

const MONITORING = fileURLToPath(new URL('../../../../docs/monitoring/', import.meta.url));

const known = new Set([
  ...[...serverMetrics, ...labelledMetrics].flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
  // Of every page of @millrace/metrics.
  'millrace_metrics_lost_total',
]);

test('the files are as they are generated', async () => {
  await expect(ruleFile()).toMatchFileSnapshot(join(MONITORING, 'alerts.yml'));
  await expect(dashboardFile()).toMatchFileSnapshot(join(MONITORING, 'grafana.json'));
});

test('every expression is about metrics that there are', () => {
  for (const expression of [...alerts.map((alert) => alert.expression), ...expressions()]) {
    const names = expression.match(/millrace_\w+/g) ?? [];
    expect(names.length, expression).toBeGreaterThan(0);
    expect(
      names.filter((name) => !known.has(name)),
      expression,
    ).toEqual([]);
  }
});

test('the dashboard has places for its panels that do not overlap, and an expression in each', () => {
  const { panels } = JSON.parse(dashboardFile());
  const taken = new Set<string>();
  for (const {
    type,
    targets,
    gridPos: { x, y, w, h },
  } of panels) {
    if (type !== 'row') expect(targets.length).toBeGreaterThan(0);
    expect(x + w).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        expect(taken.has(`${column},${line}`)).toBe(false);
        taken.add(`${column},${line}`);
      }
  }
});

describe.skipIf(whyNoPromtool())('by promtool', () => {
  /** What promtool says of files, in a directory of their own. */
  function promtool(command: readonly string[], files: Readonly<Record<string, string>>): string {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-rules-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return execFileSync('promtool', command, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  test('the rules load', () => {
    const said = promtool(['check', 'rules', 'alerts.yml'], { 'alerts.yml': ruleFile() });
    expect(said).toContain(`SUCCESS: ${alerts.length} rules found`);
  });

  test('each alert is raised by what it is for, and by nothing that is well', () => {
    const files = { 'alerts.yml': ruleFile(), 'tests.yml': ruleTests('alerts.yml') };
    expect(promtool(['test', 'rules', 'tests.yml'], files)).toContain('SUCCESS');
  });

  test('a rule that is never raised, or a file that is wrong, is told from those', () => {
    const files = {
      'alerts.yml': ruleFile().replace('millrace_process_ready == 0', 'millrace_process_ready == 2'),
      'tests.yml': ruleTests('alerts.yml'),
    };
    expect(() => promtool(['test', 'rules', 'tests.yml'], files)).toThrow();
    expect(() =>
      promtool(['check', 'rules', 'a.yml'], { 'a.yml': ruleFile().replace('(rate(', '(rate((') }),
    ).toThrow();
  });

  test('the expressions of the dashboard can be read', () => {
    const rules = expressions().map((expr, index) => ({ record: `expression:${index}`, expr }));
    const file = JSON.stringify({ groups: [{ name: 'dashboard', rules }] });
    expect(promtool(['check', 'rules', 'dashboard.yml'], { 'dashboard.yml': file })).toContain('SUCCESS');
  });
});
