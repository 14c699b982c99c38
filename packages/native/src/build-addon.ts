/**
 * Compiles the addon with node-gyp, when something it is made of has changed. A step of `npm run build`, never run
 * on a user's machine: published packages carry the binary.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const output = join(root, 'build/Release/millrace_native.node');

function upToDate(): boolean {
  if (!existsSync(output)) return false;
  const built = statSync(output).mtimeMs;
  const sources = readdirSync(join(root, 'addon')).map((name) => join(root, 'addon', name));
  return [...sources, join(root, 'binding.gyp')].every((file) => statSync(file).mtimeMs < built);
}

/** Node's headers, where the machine has them beside its Node; elsewhere node-gyp brings them. */
function headers(): string[] {
  const prefix = process.env.npm_config_nodedir ?? dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

if (!upToDate()) {
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const args = [nodeGyp, 'rebuild', '--silent', ...headers()];
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(
      `The addon of @millrace/native could not be built${error ? ` (${error.message})` : ''}. It needs a C compiler, ` +
        'make, python3 and the headers of this Node. Debian and Ubuntu: apt-get install g++ make python3. Alpine: ' +
        'apk add g++ make python3. If the headers are elsewhere, name their prefix: npm_config_nodedir=/usr npm run build.',
    );
    process.exit(1);
  }
}
