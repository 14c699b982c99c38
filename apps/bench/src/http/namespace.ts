import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/** A network of the client's own, with a wire to this one: both sides have a network stack to themselves, as across machines. */
export interface Namespace {
  /** Where the servers are, on this side of the wire. */
  readonly host: string;
  /** What comes before a command that is to run on the other side. */
  readonly inside: readonly string[];
  readonly close: () => void;
}

const HOST = '10.213.77.1';
const CLIENT = '10.213.77.2';

function ip(line: string): string | undefined {
  const { status, stderr, error } = spawnSync('ip', line.split(' '), { encoding: 'utf8' });
  return status === 0 ? undefined : `ip ${line}: ${error?.message ?? stderr.trim()}`;
}

/** Why there can be none; undefined when there can. */
export function namespaceMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'not measured: a network namespace needs root';
  try {
    openNamespace().close();
    return undefined;
  } catch (error) {
    return `not measured: ${error instanceof Error ? error.message : error}`;
  }
}

/** Throws where it cannot be. */
export function openNamespace(): Namespace {
  const id = randomBytes(3).toString('hex');
  const [name, near, far] = [`bench-${id}`, `bench-${id}-n`, `bench-${id}-f`];
  const close = () => {
    // The wire goes with the side that is in it.
    ip(`netns del ${name}`);
    process.removeListener('exit', close);
  };
  process.once('exit', close);
  for (const line of [
    `netns add ${name}`,
    `link add ${near} type veth peer name ${far} netns ${name}`,
    `addr add ${HOST}/30 dev ${near}`,
    `link set ${near} up`,
    `-n ${name} addr add ${CLIENT}/30 dev ${far}`,
    `-n ${name} link set ${far} up`,
  ]) {
    const failure = ip(line);
    if (failure === undefined) continue;
    close();
    throw new Error(failure);
  }
  return { host: HOST, inside: ['ip', 'netns', 'exec', name], close };
}
