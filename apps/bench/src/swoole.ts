import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Child } from './child.js';

/** The extension, as `SWOOLE_SO` names it, and the interpreter: `PHP`, `php` by default. */
const extension = process.env.SWOOLE_SO;
const interpreter = process.env.PHP ?? 'php';

/** Why Swoole is not measured; undefined when it is. */
export const swooleMissing = extension ? undefined : 'not measured: set SWOOLE_SO to the extension';

function withExtension(...args: readonly string[]): string[] {
  return ['-d', `extension=${extension}`, ...args];
}

/** Starts a script of this package's sources, `'server/echo-swoole.php'`, with Swoole. */
export function startSwoole(script: string, args: readonly (string | number)[], cpus?: string): Child {
  const path = fileURLToPath(new URL(`../src/${script}`, import.meta.url));
  return new Child(interpreter, withExtension(path, ...args.map(String)), { cpus });
}

/** Runs a script that prints one line of JSON. */
export async function runSwoole<T>(script: string, args: readonly (string | number)[]): Promise<T> {
  const child = startSwoole(script, args);
  try {
    return await child.next<T>();
  } finally {
    await child.end();
  }
}

/** Versions of PHP and Swoole; none where it is not measured. Throws when it cannot be loaded. */
export function swooleVersions(): Record<string, string> {
  if (swooleMissing !== undefined) return {};
  const told = spawnSync(
    interpreter,
    withExtension('-r', 'echo json_encode(["php" => PHP_VERSION, "swoole" => swoole_version()]);'),
    { encoding: 'utf8' },
  );
  try {
    return JSON.parse(told.stdout) as Record<string, string>;
  } catch (cause) {
    throw new Error(`Swoole cannot be loaded: ${told.stdout}${told.stderr}`, { cause });
  }
}
