import { spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const directoryOf = (name: string) => fileURLToPath(new URL(`../../large/${name}/`, import.meta.url));

/** Installs and builds what is in no install of this repository. Throws where that fails: there would be nothing to start. */
export function buildLarge(): void {
  install(directoryOf('nest'));
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
  run(process.execPath, [join(typescript, '../bin/tsc'), '-p', '.'], directoryOf('nest'));

  const site = directoryOf('next');
  install(site);
  run('npm', ['run', '--silent', 'build'], site);
  // As its documentation says of a site that is copied elsewhere: what it serves by itself is not among what it traces.
  const standalone = join(site, '.next/standalone/apps/compat/large/next');
  cpSync(join(site, 'public'), join(standalone, 'public'), { recursive: true });
  cpSync(join(site, '.next/static'), join(standalone, '.next/static'), { recursive: true });
}

function install(directory: string): void {
  if (existsSync(join(directory, 'node_modules'))) return;
  run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund', '--silent'], directory);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  const { status, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} in ${cwd} has failed${error ? `: ${error.message}` : ''}.`);
}
