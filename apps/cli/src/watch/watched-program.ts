import type { Program, ProgramHooks } from '@millrace/server/program';
import { watchLoads } from './loaded-files.js';
import { ProgramWatch } from './program-watch.js';

type Server = Parameters<NonNullable<ProgramHooks['prepare']>>[0];

const COMMAND = 'millrace.loaded';
/** Milliseconds until what could not be told is told again: a worker cannot before it is ready. */
const AGAIN_MS = 200;

const watch = new ProgramWatch();

/** Has workers tell the master which files the program has loaded. */
export function watchedProgram(program: Program, config: string | undefined): ProgramHooks {
  watch.add([program.file, ...[config, program.envFile].flatMap((file) => file ?? [])]);
  return {
    prepare(server) {
      server.addCommand(COMMAND, 'master', (files: readonly string[]) => watch.add(files));
    },
    beforeProgram(server) {
      const untold = new Set<string>();
      let timer: NodeJS.Timeout | undefined;
      const tell = async () => {
        const files = [...untold];
        untold.clear();
        try {
          await server.command(COMMAND, 'master', files);
          timer = undefined;
          if (untold.size > 0) later();
        } catch {
          // It does not serve yet, or not any more.
          for (const file of files) untold.add(file);
          later();
        }
      };
      const later = () => {
        timer = setTimeout(() => void tell(), AGAIN_MS).unref();
      };
      watchLoads((file) => {
        untold.add(file);
        if (timer === undefined) later();
      });
    },
  };
}

/** In the master: reloads the server from here on when one of the files changes. */
export function begin(server: Server, directory: string): void {
  if (server.masterPid === process.pid) watch.begin(server, directory);
}
