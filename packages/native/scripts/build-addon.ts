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

/** What node-gyp needs of the machine and does not find; it would say so in a page of its own. */
function missingTools(): string[] {
  const python = process.env.npm_config_python ?? process.env.PYTHON ?? 'python3';
  const tools = [process.env.CC ?? 'cc', process.env.CXX ?? 'c++', process.env.MAKE ?? 'make', python];
  return tools.filter((tool) => {
    // A variable may name a wrapper and options, too.
    const [program = tool] = tool.split(' ');
    return spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined;
  });
}

const MEANS =
  'Debian and Ubuntu: apt-get install g++ make python3. Alpine: apk add g++ make python3. If the headers of this Node ' +
  'are elsewhere, name their prefix: npm_config_nodedir=/usr npm run build.';

if (!upToDate()) {
  const missing = missingTools();
  if (missing.length > 0) {
    console.error(
      `The addon of @millrace/native has to be compiled, and this machine has no ${missing.join(', no ')}. ${MEANS}`,
    );
    process.exit(1);
  }
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const args = [nodeGyp, 'rebuild', '--silent', ...headers()];
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(
      `The addon of @millrace/native could not be built${error ? ` (${error.message})` : ''}. It needs a C compiler, ` +
        `make, python3 and the headers of this Node. ${MEANS}`,
    );
    process.exit(1);
  }
}
