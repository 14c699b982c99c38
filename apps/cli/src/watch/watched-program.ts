import type { Program, ProgramHooks } from '@millrace/server/program';
import { stateOf } from './file-state.js';
import { watchLoads } from './loaded-files.js';
import { type LoadedFile, ProgramWatch } from './program-watch.js';

type Server = Parameters<NonNullable<ProgramHooks['prepare']>>[0];

const COMMAND = 'millrace.loaded';
/** Milliseconds until what could not be told is told again: a worker cannot before it is ready. */
const AGAIN_MS = 200;
/** Files that are told at once: a program may have tens of thousands. */
const MOST_FILES = 500;

const watch = new ProgramWatch();

/** Has workers tell the master which files the program has loaded. */
export function watchedProgram(program: Program, config: string | undefined): ProgramHooks {
  const files = [program.file, ...[config, program.envFile].flatMap((file) => file ?? [])];
  watch.add(files.map((file) => [file, stateOf(file)]));
  return {
    prepare(server) {
      server.addCommand(COMMAND, 'master', (files: readonly LoadedFile[]) => watch.add(files));
    },
    beforeProgram(server) {
      const untold = new Map<string, string>();
      let timer: NodeJS.Timeout | undefined;
      const tell = async () => {
        const files = [...untold].slice(0, MOST_FILES);
        for (const [file] of files) untold.delete(file);
        try {
          await server.command(COMMAND, 'master', files);
          timer = undefined;
          if (untold.size > 0) later();
        } catch {
          // It does not serve yet, or not any more.
          for (const [file, state] of files) untold.set(file, state);
          later();
        }
      };
      const later = () => {
        timer = setTimeout(() => void tell(), AGAIN_MS).unref();
      };
      watchLoads((file, state) => {
        untold.set(file, state);
        if (timer === undefined) later();
      });
    },
  };
}

/** In the master: reloads the server from here on when one of the files changes. */
export function begin(server: Server, directory: string): void {
  if (server.masterPid === process.pid) watch.begin(server, directory);
}
