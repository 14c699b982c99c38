/**
 * `record-build [COMMAND]`, in a package: runs the command that builds it, removes what an earlier build left behind, and
 * records what was made of what (build-record.ts). Ends as the command ends; and with 1 when a source changed meanwhile, for
 * it is unknown then which of its states was built.
 */
import { spawnSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { removeOrphans, removeRecord, sourcesOf, writeRecord } from './build-record.js';

const directory = process.cwd();
const [command] = process.argv.slice(2);
removeRecord(directory);
const sources = sourcesOf(directory);
const { status, error } =
  command === undefined ? { status: 0 } : spawnSync(command, { shell: true, stdio: 'inherit' });
if (error !== undefined) throw error;
if (status !== 0) {
  process.exitCode = status ?? 1;
} else if (isDeepStrictEqual(sources, sourcesOf(directory))) {
  removeOrphans(directory);
  writeRecord(directory, sources);
} else {
  console.error(`A source in ${directory} changed while it was built. Build again.`);
  process.exitCode = 1;
}
