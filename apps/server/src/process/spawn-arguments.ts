import { entryModule } from '@millrace/process-pool/internal';
import { bundledStart } from '../bundle/bundled-start.js';
import { ServerError } from '../errors.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** How to run this program's entry module again, in another role; with the options of Node that it was started with. */
export function spawnArguments({ entry: own }: Pick<ResolvedOptions, 'entry'>): {
  entry: string;
  args: string[];
  preload: readonly string[] | undefined;
} {
  const entry = own ?? entryModule();
  if (entry === undefined) {
    throw new ServerError(
      'ERR_MILLRACE_START_FAILED',
      "Every process of the server runs the entry module again, so the program must be a file (node server.js), or name one by the option 'entry'.",
    );
  }
  return { entry, args: process.argv.slice(2), preload: bundledStart() };
}
