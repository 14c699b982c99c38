/**
 * `npm run test:packages`: packs every public package as it would be published, installs each in a project of its own
 * with nothing but what it depends on, and without running an install script; then compiles a user's program against
 * its types and runs it. `npm run test:packages -- server cli` does it for those alone. Prints `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Package {
  readonly manifest: Manifest;
  readonly directory: string;
}

const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const CONSUMERS = fileURLToPath(new URL('../consumers/', import.meta.url));
/** Milliseconds that one program may take: an installation waits for a registry, and the machine may have much else to do. */
const DEADLINE_MS = 600_000;

/** Every package that is published, by name. */
function publicPackages(): Map<string, Package> {
  const found = new Map<string, Package>();
  for (const group of ['packages', 'apps']) {
    for (const entry of readdirSync(join(TOP, group))) {
      const directory = join(TOP, group, entry);
      if (!existsSync(join(directory, 'package.json'))) continue;
      const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
      if (manifest.private !== true) found.set(manifest.name, { manifest, directory });
    }
  }
  return found;
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error, signal } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: DEADLINE_MS,
  });
  if (status === 0) return stdout;
  const end = error?.message ?? signal ?? `exit code ${status}`;
  throw new Error(`${basename(command)} ${args.join(' ')}: ${end}\n${stdout}${stderr}`);
}

/** The package and all packages of this repository that it needs. */
function closureOf(name: string, all: ReadonlyMap<string, Package>, seen = new Set<string>()): Set<string> {
  const found = all.get(name);
  if (found === undefined || seen.has(name)) return seen;
  seen.add(name);
  for (const dependency of Object.keys(found.manifest.dependencies ?? {})) closureOf(dependency, all, seen);
  return seen;
}

/** Installs `tarballs` in `project`, and runs the programs of `consumer` there. */
function tryIt(project: string, consumer: string, tarballs: readonly string[]): void {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs],
    project,
  );
  cpSync(consumer, project, { recursive: true });
  const options = {
    compilerOptions: {
      target: 'es2022',
      module: 'nodenext',
      lib: ['es2023', 'esnext.disposable'],
      strict: true,
      types: ['node'],
      typeRoots: [join(TOP, 'node_modules/@types')],
    },
    include: ['*.ts'],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(options));
  run(join(TOP, 'node_modules/.bin/tsc'), ['-p', '.'], project);
  run(process.execPath, ['main.js'], project);
}

const packages = publicPackages();
/** Folders or names of packages, as `server`, `@millrace/server`. */
const asked = process.argv.slice(2);
const tried = [...packages].flatMap(([name, { directory }]) =>
  asked.length === 0 || asked.includes(name) || asked.includes(basename(directory)) ? [name] : [],
);
if (tried.length < asked.length)
  throw new Error(`Of ${asked.join(', ')} not each is a package that is published.`);
const work = mkdtempSync(join(tmpdir(), 'millrace-packages-'));
let failed = 0;
try {
  const tarballs = new Map<string, string>();
  for (const [name, { directory }] of packages) {
    const file = run('npm', ['pack', '--silent', '--pack-destination', work], directory)
      .trim()
      .split('\n')
      .at(-1);
    tarballs.set(name, join(work, file as string));
  }
  for (const name of tried) {
    const short = name.replace('@millrace/', '');
    try {
      const needed = [...closureOf(name, packages)].map((each) => tarballs.get(each) as string);
      tryIt(join(work, short), join(CONSUMERS, short), needed);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}: ${(error as Error).message}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${tried.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
