/**
 * `npm run node-suite -- --tests DIRECTORY [--archive FILE] [--modes process,base] [--lean process,base] [--preload FILE] [--match REGEX] [--jobs 2]
 * [--seconds 60] [--results FILE] [--not-applicable FILE] [--table FILE]`: runs Node's own tests natively, and as the program of a
 * server in those modes or with a preload, and writes a table of what passed, failed natively too, failed only so, or does not
 * apply. Ends with 1 when a test failed that passes natively.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { HostedTest } from './hosted-test.js';
import { type Result, type RunOptions, runTest } from './run-test.js';
import { bringSources, type NodeTest, testsIn } from './sources.js';
import { failures, judge, NATIVELY, table, type Verdict } from './table.js';

const { values } = parseArgs({
  options: {
    tests: { type: 'string' },
    archive: { type: 'string' },
    modes: { type: 'string', default: '' },
    lean: { type: 'string', default: '' },
    preload: { type: 'string' },
    results: { type: 'string' },
    match: { type: 'string', default: '^test-http-' },
    jobs: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '60' },
    'not-applicable': { type: 'string' },
    table: { type: 'string' },
  },
});
if (values.tests === undefined)
  throw new Error('--tests DIRECTORY: where the tests of Node are, or shall be.');

const directory = resolve(values.tests);
bringSources(directory, process.versions.node, values.archive);
const reasons = new Map<string, string>(
  values['not-applicable'] === undefined
    ? []
    : Object.entries(JSON.parse(readFileSync(values['not-applicable'], 'utf8')) as Record<string, string>),
);
type Way = Pick<RunOptions, 'mode' | 'engine' | 'preload'>;

/** Beside natively, by what the table calls it. */
const ways = new Map<string, Way>();
for (const mode of modesOf('modes')) ways.set(`${mode} mode`, { mode, engine: 'node' });
for (const mode of modesOf('lean')) ways.set(`lean, ${mode} mode`, { mode, engine: 'lean' });
if (values.preload !== undefined)
  ways.set(`preload ${values.preload}`, { preload: pathToFileURL(resolve(values.preload)).href });

/** By test and way. Those of an earlier run are taken again where the test has passed or was skipped. */
const results = new Map<string, Record<string, Result>>(
  values.results !== undefined && existsSync(values.results)
    ? Object.entries(
        JSON.parse(readFileSync(values.results, 'utf8')) as Record<string, Record<string, Result>>,
      )
    : [],
);
const workDirectory = mkdtempSync(join(tmpdir(), 'node-suite-'));
const limitMs = Number(values.seconds) * 1000;
const waiting = testsIn(directory, new RegExp(values.match));
const verdicts: Verdict[] = [];

function modesOf(option: 'modes' | 'lean'): HostedTest['mode'][] {
  return values[option]
    .split(',')
    .filter((word) => word !== '')
    .map((mode) => {
      if (mode === 'process' || mode === 'base') return mode;
      throw new Error(`--${option} ${mode}: 'process' and 'base' are known.`);
    });
}

async function each(test: NodeTest, thread: number): Promise<Verdict> {
  const of = results.get(test.name) ?? {};
  results.set(test.name, of);
  const options = { limitMs, thread, workDirectory };
  const native = await again(of[NATIVELY], () => twice(test, options));
  of[NATIVELY] = native;
  const ours = new Map<string, Result>();
  if (native.outcome === 'passed')
    for (const [name, way] of ways) {
      const result = await again(of[name], () => twice(test, { ...options, ...way }));
      of[name] = result;
      ours.set(name, result);
    }
  return { test, native, ours, notApplicable: reasons.get(test.name) };
}

async function again(earlier: Result | undefined, run: () => Promise<Result>): Promise<Result> {
  return earlier?.outcome === 'passed' || earlier?.outcome === 'skipped' ? earlier : run();
}

/** A test that fails is run once more: some of Node's own depend on the load of the machine. */
async function twice(test: NodeTest, options: RunOptions): Promise<Result> {
  const first = await runTest(test, options);
  return first.outcome === 'failed' || first.outcome === 'timed out' ? runTest(test, options) : first;
}

try {
  await Promise.all(
    Array.from({ length: Number(values.jobs) }, async (_, thread) => {
      for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
        const verdict = await each(test, thread);
        verdicts.push(verdict);
        if (values.results !== undefined)
          writeFileSync(values.results, JSON.stringify(Object.fromEntries(results)));
        for (const [way, word, reason] of failures(verdict))
          console.error(`${word}, ${way}: ${test.name}: ${reason}`);
      }
    }),
  );
} finally {
  rmSync(workDirectory, { recursive: true, force: true });
}

const text = table(verdicts, [...ways.keys()], values.match);
if (values.table === undefined) console.log(text);
else writeFileSync(values.table, text);
process.exitCode = [...ways.keys()].some((way) => verdicts.some((each) => judge(each, way) === 'failed'))
  ? 1
  : 0;
