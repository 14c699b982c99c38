import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Peers that need a compiler, or a newer Node than ours, are in no install of this repository: they are installed beside
 * the bench, in the versions that its `peers/package.json` names, when a suite runs that measures them.
 */
const DIRECTORY = fileURLToPath(new URL('../peers/', import.meta.url));
const require = createRequire(`${DIRECTORY}package.json`);

const { optionalDependencies: VERSIONS } = JSON.parse(readFileSync(`${DIRECTORY}package.json`, 'utf8')) as {
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

/** Where a peer's entry is; undefined where it is not installed, or is no such peer. */
export function peerEntry(name: string): string | undefined {
  if (!Object.hasOwn(VERSIONS, name)) return undefined;
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

export function isPeer(name: string): boolean {
  return Object.hasOwn(VERSIONS, name);
}

/** Loads a peer. Throws where it is not installed, or its binary does not fit this machine. */
export function loadPeer<Module>(name: string): Module {
  return require(name) as Module;
}

/** Installs the peers among `names` that are not there yet; those that cannot be are reported as absent by their rows. */
export function installPeers(names: readonly string[]): void {
  if (!names.some((name) => isPeer(name) && peerEntry(name) === undefined)) return;
  console.error(`installing ${Object.keys(VERSIONS).join(', ')} into apps/bench/peers …`);
  const { status, error } = spawnSync('npm', ['install', '--no-package-lock', '--silent'], {
    cwd: DIRECTORY,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0)
    console.error(`They could not be installed${error ? ` (${error.message})` : ''}: their rows are absent.`);
}
