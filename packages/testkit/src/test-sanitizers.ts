/**
 * `npm run test:sanitizers`: compiles the addon with AddressSanitizer and UndefinedBehaviorSanitizer, and runs the tests of
 * the packages that depend on its memory with it. Ends with 1 when a test fails or a sanitizer reports something; what they
 * report is counted by count.ts, too. Where the compiler has no sanitizers nothing is done, and that is said.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Failure, OUTCOME_FILE_VARIABLE, type Outcome } from './outcome.js';
import { SANITIZED_OUTCOME_FILE, SANITIZERS_FILE, type SanitizersOutcome } from './sanitizers-outcome.js';

const top = process.cwd();
const native = join(top, 'packages/native');
const output = join(native, 'build/sanitized');
const reports = join(native, 'reports');
/** One program's reports; each process writes a file of its own. */
const log = join(output, 'reports');

/** Milliseconds for one package: beyond it the step has failed. */
const PACKAGE_MS = 600_000;
/** Without what plays every interleaving of the algorithms in JavaScript alone: no C runs there. */
const SUITES: readonly (readonly [name: string, ...args: string[]])[] = [
  // It says where the binary is looked for, and is given one.
  ['native', '--exclude', '**/loading.test.ts'],
  ['shared-memory', '--exclude', '**/*{model,steps}.test.ts', '--exclude', '**/races.test.ts'],
];

const library = spawnSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout?.trim();
if (library === undefined || !library.startsWith('/')) {
  console.log('sanitizers: gcc and its libasan are not there, nothing is tested with them');
} else {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(log, { recursive: true });
  mkdirSync(reports, { recursive: true });
  const failures: Failure[] = [];
  const flaky: Failure[] = [];
  const addon = compile();
  if (addon === undefined) failures.push({ file: 'native', test: 'the addon', message: 'not compiled' });
  for (const suite of addon === undefined ? [] : SUITES) {
    const outcome = outcomeOf(suite, addon as string, library);
    failures.push(...outcome.failures);
    flaky.push(...outcome.flaky);
  }
  for (const file of readdirSync(log)) {
    const text = readFileSync(join(log, file), 'utf8');
    console.error(text);
    const message = text.split('\n').find((line) => line.includes('ERROR:')) ?? 'see above';
    failures.push({ file, test: 'a report of a sanitizer', message });
  }
  console.log(`sanitizers: ${failures.length} failures`);
  const outcome: SanitizersOutcome = { failures, flaky };
  writeFileSync(join(top, SANITIZERS_FILE), JSON.stringify(outcome));
  process.exitCode = failures.length > 0 ? 1 : 0;
}

function compile(): string | undefined {
  const [target] = (
    JSON.parse(readFileSync(join(native, 'binding.gyp'), 'utf8')) as {
      targets: [{ sources: string[]; defines: string[]; cflags: string[] }];
    }
  ).targets;
  const prefix = process.env.npm_config_nodedir ?? dirname(dirname(process.execPath));
  const file = join(output, 'millrace_native.node');
  const { status } = spawnSync(
    'gcc',
    [
      // What is undefined ends the process: UndefinedBehaviorSanitizer's reports do not reach its log beside AddressSanitizer.
      ...['-shared', '-fPIC', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
      '-fno-omit-frame-pointer',
      ...target.cflags,
      ...['-O1', '-g', '-DNODE_GYP_MODULE_NAME=millrace_native', '-DBUILDING_NODE_EXTENSION'],
      ...target.defines.map((define) => `-D${define}`),
      ...['-idirafter', join(prefix, 'include/node'), ...target.sources, '-o', file],
    ],
    { cwd: native, stdio: 'inherit' },
  );
  return status === 0 && existsSync(file) ? file : undefined;
}

function outcomeOf(
  [name, ...args]: (typeof SUITES)[number],
  addon: string,
  library: string,
): SanitizersOutcome {
  const directory = join(top, 'packages', name);
  rmSync(join(directory, SANITIZED_OUTCOME_FILE), { force: true });
  const { status } = spawnSync('npx', ['vitest', 'run', '--testTimeout=120000', ...args], {
    cwd: directory,
    stdio: 'inherit',
    timeout: PACKAGE_MS,
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      [OUTCOME_FILE_VARIABLE]: SANITIZED_OUTCOME_FILE,
      MILLRACE_NATIVE_ADDON: addon,
      LD_PRELOAD: library,
      // V8 gives nothing back at its end: leaks cannot be told.
      ASAN_OPTIONS: `detect_leaks=0:detect_odr_violation=0:log_path=${join(log, 'address')}`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${join(log, 'undefined')}`,
    },
  });
  const file = join(directory, SANITIZED_OUTCOME_FILE);
  const outcome = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Outcome) : undefined;
  const failures = [...(outcome?.failures ?? [])];
  if (status !== 0 && failures.length === 0)
    failures.push({ file: 'all files', test: 'the run', message: 'it has failed, or took too long' });
  const named = (failure: Failure): Failure => ({ ...failure, file: `${name} ${failure.file}` });
  return { failures: failures.map(named), flaky: (outcome?.flaky ?? []).map(named) };
}
