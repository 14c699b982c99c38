import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Syscalls } from './calls.js';
import { NativeError, SystemCallArgumentError } from './errors.js';
import { prebuilds } from './prebuild.js';

const require = createRequire(import.meta.url);

/** The addon makes its errors here, in the thread that loads it. */
interface Addon extends Syscalls {
  onBadArgument(
    make: (call: string, argument: string, expected: string, value: unknown) => SystemCallArgumentError,
  ): void;
}

/** Where the addon may be: the repository's own build first, then the binaries that a published package carries. */
function candidates(): string[] {
  // Another build of it, with sanitizers: see test-sanitizers.ts of testkit.
  const { MILLRACE_NATIVE_ADDON } = process.env;
  if (MILLRACE_NATIVE_ADDON !== undefined) return [MILLRACE_NATIVE_ADDON];
  const built = fileURLToPath(new URL('../build/Release/millrace_native.node', import.meta.url));
  return existsSync(built) ? [built] : prebuilds();
}

const ADVICE =
  'Published packages carry binaries for Linux on x64 and arm64, glibc and musl. On another machine, or in a ' +
  'checkout, build it: install g++, make and python3 (Debian: apt-get install g++ make python3) and run `npm run build`.';

function load(): Syscalls {
  if (process.platform !== 'linux') {
    throw new NativeError(
      'ERR_MILLRACE_ADDON_MISSING',
      `@millrace/native needs Linux, this is ${process.platform}.`,
    );
  }
  const tried: string[] = [];
  let cause: unknown;
  for (const file of candidates()) {
    try {
      const { onBadArgument, ...calls } = require(file) as Addon;
      onBadArgument((...what) => new SystemCallArgumentError(...what));
      return calls;
    } catch (error) {
      tried.push(file);
      cause = error;
    }
  }
  throw new NativeError(
    'ERR_MILLRACE_ADDON_MISSING',
    `The addon of @millrace/native could not be loaded. Tried ${tried.join(', ')}. ${ADVICE}`,
    { cause },
  );
}

/** The addon of this thread. Importing it throws `ERR_MILLRACE_ADDON_MISSING` where it cannot be loaded. */
export const syscalls: Syscalls = load();
