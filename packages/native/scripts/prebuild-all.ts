/**
 * `npm run build:all`: compiles the addon for every platform that a published package carries a binary for, from this
 * machine, and checks what each asks of the system that it is loaded on. A step of releasing; see the README.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Platform {
  readonly arch: 'x64' | 'arm64';
  readonly libc: 'glibc' | 'musl';
  /** GNU's name of the processor. */
  readonly cpu: string;
}

/** The glibc that Node 20 itself needs. */
const GLIBC = [2, 28] as const;
const PLATFORMS: readonly Platform[] = [
  { arch: 'x64', libc: 'glibc', cpu: 'x86_64' },
  { arch: 'arm64', libc: 'glibc', cpu: 'aarch64' },
  { arch: 'x64', libc: 'musl', cpu: 'x86_64' },
  { arch: 'arm64', libc: 'musl', cpu: 'aarch64' },
];
const ADVICE =
  'On Debian, x64: dpkg --add-architecture arm64 && apt-get update && ' +
  'apt-get install gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross musl-dev musl-dev:arm64';

const root = fileURLToPath(new URL('../', import.meta.url));
const prefix = process.env.npm_config_nodedir ?? dirname(dirname(process.execPath));

/** The one target of binding.gyp, which is JSON: what node-gyp compiles is what is compiled here. */
const [target] = (
  JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8')) as {
    targets: [{ sources: string[]; defines: string[]; cflags: string[] }];
  }
).targets;

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command}: ${error?.message ?? stderr}\n${ADVICE}`);
}

function compile({ arch, libc, cpu }: Platform): string {
  const directory = join(root, `prebuilds/linux-${arch}-${libc}`);
  mkdirSync(directory, { recursive: true });
  const output = join(directory, 'millrace_native.node');
  const compiler = `${cpu}-linux-gnu-gcc`;
  // The C library is in the process that loads the addon: with musl only its headers are needed.
  const own = run(compiler, ['-print-file-name=include']).trim();
  const musl = ['-nostdinc', '-isystem', `/usr/include/${cpu}-linux-musl`, '-isystem', own, '-nostdlib'];
  // The kernel's headers, after all others: they are where glibc's are.
  const kernel = [`/usr/${cpu}-linux-gnu/include`, `/usr/include/${cpu}-linux-gnu`, '/usr/include'];
  run(compiler, [
    '-shared',
    '-fPIC',
    '-s',
    ...target.cflags,
    ...target.defines.map((define) => `-D${define}`),
    '-DNODE_GYP_MODULE_NAME=millrace_native',
    '-DBUILDING_NODE_EXTENSION',
    ...(libc === 'musl' ? musl : []),
    '-idirafter',
    join(prefix, 'include/node'),
    ...(libc === 'musl' ? kernel.flatMap((directory) => ['-idirafter', directory]) : []),
    ...target.sources,
    ...(libc === 'musl' ? ['-lgcc'] : []),
    '-o',
    output,
  ]);
  return output;
}

/** Names of the functions that `file` wants or has, with their versions. */
function symbols(file: string, which: 'wanted' | 'offered'): string[] {
  const lines = run('readelf', ['--wide', '--dyn-syms', file])
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return lines
    .filter(([, , , type, , , section]) => type !== undefined && (section === 'UND') === (which === 'wanted'))
    .flatMap(([, , , , , , , name]) => (name === undefined ? [] : [name]));
}

/** Throws when a supported system could not load it. */
function check(file: string, { libc, cpu }: Platform): void {
  const wanted = symbols(file, 'wanted').filter((name) => !/^(napi|uv)_/.test(name));
  if (libc === 'glibc') {
    for (const name of wanted) {
      const [, major, minor] = /@GLIBC_(\d+)\.(\d+)/.exec(name) ?? [];
      if (Number(major) === GLIBC[0] && Number(minor) > GLIBC[1])
        throw new Error(`${file} needs ${name}, newer than glibc ${GLIBC.join('.')}: see addon/old-glibc.h.`);
    }
    return;
  }
  const offered = new Set(symbols(`/usr/lib/${cpu}-linux-musl/libc.so`, 'offered'));
  // Weak ones of the compiler's own start-up code, which no system has.
  const real = wanted.filter(
    (name) => !offered.has(name) && !/^(_ITM_|__gmon_start__|__cxa_finalize)/.test(name),
  );
  if (real.length > 0) throw new Error(`${file} needs what musl does not have: ${real.join(', ')}.`);
}

if (!existsSync(join(prefix, 'include/node/node_api.h')))
  throw new Error(`There are no headers of Node in ${prefix}: name another prefix with npm_config_nodedir.`);
for (const platform of PLATFORMS) {
  const file = compile(platform);
  check(file, platform);
  console.log(`${platform.arch} ${platform.libc}: ${file.slice(root.length)}`);
}
