import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { places } from '../dist/charts/curves.js';
import { markdown } from '../dist/charts/markdown.js';
import { drawAll } from '../dist/charts/results.js';

const summary = (median: number) => ({ median, min: median / 2, max: median * 2 });
const row = (at: number, peer: string, ratio: number) => ({
  case: `echo, ${at} connections`,
  unit: 'msg/s',
  ours: { name: 'millrace', ...summary(100 * at) },
  peer: { name: peer, ...summary(50 * at) },
  ratio: summary(ratio),
  bar: 1.5,
  point: { curve: 'connections', at },
});
const report = {
  machine: { cpu: 'any', cpus: 2, memory: 4, arch: 'x64', kernel: '6', load: 0, command: 'bench' },
  versions: { node: '20.0.0' },
  rows: [row(1, 'net', 2), row(1, 'cluster', 0.5), row(10, 'net', 2)],
  figures: [{ case: 'kills', unit: 'kills', name: 'millrace', median: 12, min: 12, max: 12 }],
  absent: [{ case: 'echo', ours: 'millrace', peer: 'Swoole', why: 'not measured: set SWOOLE_SO' }],
};

test('a contender that stands in several rows is once at each point of a curve', () => {
  expect(places(report.rows, 'connections').map(({ name, at, median }) => [name, at, median])).toEqual([
    ['millrace', 1, 100],
    ['net', 1, 50],
    ['cluster', 1, 50],
    ['millrace', 10, 1_000],
    ['net', 10, 500],
  ]);
  expect(places(report.rows, 'workers')).toEqual([]);
});

test('the tables have rows that lost, figures, and what could not be measured', () => {
  const page = markdown(new Map([['server', report]]));
  expect(page).toContain(
    '| echo, 1 connections | msg/s | millrace | 100 | cluster | 50 | 0.50 (0.25 – 1.00) | 1.5 missed |',
  );
  expect(page).toContain('**2.00** (1.00 – 4.00) | 1.5 reached |');
  expect(page).toContain('| kills | millrace | kills | 12 |');
  expect(page).toContain('| echo | millrace | Swoole | not measured: set SWOOLE_SO |');
});

test('a row that misses its bar says what there is to reach, and no other does', () => {
  const limit = summary(1.2);
  const rows = [row(1, 'lost', 0.5), row(2, 'won', 2)].map((one) => ({ ...one, limit }));
  const page = markdown(new Map([['http', { ...report, rows }]]));
  expect(page).toContain('0.50 (0.25 – 1.00) | 1.5 missed (at most 1.20) |');
  expect(page).toContain('| 1.5 reached |');
});

test('a chart has the rows that are named for it alone, by those names, where there are any', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-charts-'));
  try {
    const rows = [{ ...row(1, 'net', 2), headline: 'in plain words' }, row(1, 'cluster', 0.5)];
    writeFileSync(join(directory, 'http.json'), JSON.stringify({ ...report, rows }));
    await drawAll(directory);
    const chart = readFileSync(join(directory, 'http.svg'), 'utf8');
    expect(chart).toContain('in plain words');
    expect(chart).not.toContain('cluster');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('charts of the bars and of the curves, and the tables, are made of the results in a directory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-charts-'));
  try {
    writeFileSync(join(directory, 'server.json'), JSON.stringify(report));
    await drawAll(directory);
    expect(readdirSync(directory).sort()).toEqual([
      'results.md',
      'server-connections.svg',
      'server.json',
      'server.svg',
    ]);
    expect(readFileSync(join(directory, 'server-connections.svg'), 'utf8')).toMatch(/^<svg/);
    expect(readFileSync(join(directory, 'server.svg'), 'utf8')).toContain('cluster');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
