/**
 * Runs before a package is packed, in its folder; plain JavaScript, for it has to run where nothing is built. Refuses to
 * pack one whose entries are missing: the tarball would install, and fail at the first import.
 */
import { existsSync, readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

function paths(entry) {
  if (typeof entry === 'string') return [entry];
  return Object.values(entry ?? {}).flatMap(paths);
}

const needed = [...paths(manifest.exports), ...paths(manifest.bin)].filter((path) => !path.includes('*'));
const missing = needed.filter((path) => !existsSync(path));
if (missing.length > 0) {
  console.error(
    `${manifest.name} is not built, and is not packed: ${[...new Set(missing)].join(', ')} missing. Run 'npm run build' first.`,
  );
  process.exit(1);
}
if (!existsSync('LICENSE')) {
  console.error(`${manifest.name} has no LICENSE, and is not packed: copy that of the repository.`);
  process.exit(1);
}
