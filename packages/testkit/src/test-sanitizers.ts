/**
 * `npm run test:sanitizers`: compiles the addon with AddressSanitizer and UndefinedBehaviorSanitizer, and runs the tests of
 * the packages that depend on its memory with it. Ends with 1 when a test fails or a sanitizer reports something; what they
 * report is counted by count.ts, too. Where the compiler has no sanitizers nothing is done, and that is said.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

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
  const addon = compile();
  const failed = SUITES.filter(([name, ...args]) => !passes(name, args, addon, library));
  const found = readdirSync(log).map((file) => readFileSync(join(log, file), 'utf8'));
  for (const text of found) console.error(text);
  for (const [name] of failed)
    console.error(`sanitizers: the tests of ${name} have failed, or took too long`);
  console.log(`sanitizers: ${found.length} reports, ${failed.length} of ${SUITES.length} suites failed`);
  writeFileSync(join(reports, 'sanitizers.json'), JSON.stringify({ failed: found.length + failed.length }));
  process.exitCode = found.length + failed.length > 0 ? 1 : 0;
}

function compile(): string {
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
  if (status !== 0 || !existsSync(file)) throw new Error('The addon could not be compiled with sanitizers.');
  return file;
}

function passes(name: string, args: readonly string[], addon: string, library: string): boolean {
  const { status } = spawnSync('npx', ['vitest', 'run', '--reporter=dot', '--testTimeout=120000', ...args], {
    cwd: join(top, 'packages', name),
    stdio: 'inherit',
    timeout: PACKAGE_MS,
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      MILLRACE_NATIVE_ADDON: addon,
      LD_PRELOAD: library,
      // V8 gives nothing back at its end: leaks cannot be told.
      ASAN_OPTIONS: `detect_leaks=0:detect_odr_violation=0:log_path=${join(log, 'address')}`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${join(log, 'undefined')}`,
    },
  });
  return status === 0;
}
