import { spawnSync } from 'node:child_process';

/** Milliseconds for a look at the syntax of one file. */
const CHECK_MS = 5_000;

/**
 * Puts before the stack of a syntax error where it is, as Node does for one that nobody catches. Of an ES module the error that `import`
 * throws does not tell, so another process is asked about the entry module; of what that imports nobody knows.
 */
export function tellPlace(error: unknown, file: string): void {
  if (!(error instanceof SyntaxError) || error.stack?.startsWith(error.name) !== true) return;
  const { stderr } = spawnSync(process.execPath, ['--check', file], {
    encoding: 'utf8',
    timeout: CHECK_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const end = stderr?.indexOf(`\n${error.name}: ${error.message}\n`) ?? -1;
  if (end > 0) error.stack = `${stderr.slice(0, end)}\n${error.stack}`;
}
