/**
 * `npm run node-suite -- --tests DIRECTORY [--archive FILE] [--preload FILE] [--match REGEX] [--jobs 2] [--seconds 60]
 * [--not-applicable FILE] [--table FILE]`: runs Node's own tests natively, and with a preload where one is given, and
 * writes a table of what passed, failed natively too, failed only with the preload, or does not apply. Ends with 1 when a
 * test failed only with the preload.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Result, runTest } from './run-test.js';
import { bringSources, type NodeTest, testsIn } from './sources.js';
import { judge, table, type Verdict } from './table.js';

const { values } = parseArgs({
  options: {
    tests: { type: 'string' },
    archive: { type: 'string' },
    preload: { type: 'string' },
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
const preload = values.preload === undefined ? undefined : pathToFileURL(resolve(values.preload)).href;
const workDirectory = mkdtempSync(join(tmpdir(), 'node-suite-'));
const limitMs = Number(values.seconds) * 1000;
const waiting = testsIn(directory, new RegExp(values.match));
const verdicts: Verdict[] = [];

async function both(test: NodeTest, thread: number): Promise<Verdict> {
  const notApplicable = reasons.get(test.name);
  const options = { limitMs, thread, workDirectory };
  const native = await twice(test, options);
  if (preload === undefined) return { test, native, notApplicable };
  return { test, native, ours: await twice(test, { ...options, preload }), notApplicable };
}

/** A test that fails is run once more: some of Node's own depend on the load of the machine. */
async function twice(test: NodeTest, options: Parameters<typeof runTest>[1]): Promise<Result> {
  const first = await runTest(test, options);
  return first.outcome === 'failed' || first.outcome === 'timed out' ? runTest(test, options) : first;
}

try {
  await Promise.all(
    Array.from({ length: Number(values.jobs) }, async (_, thread) => {
      for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
        const verdict = await both(test, thread);
        verdicts.push(verdict);
        const word = judge(verdict);
        if (word !== 'passed')
          console.error(`${word}: ${test.name}: ${(verdict.ours ?? verdict.native).reason}`);
      }
    }),
  );
} finally {
  rmSync(workDirectory, { recursive: true, force: true });
}

const text = table(verdicts, { preload: values.preload, match: values.match });
if (values.table === undefined) console.log(text);
else writeFileSync(values.table, text);
process.exitCode = verdicts.some((verdict) => judge(verdict) === 'failed only with ours') ? 1 : 0;
