import { type FSWatcher, watch } from 'node:fs';
import { dirname, relative } from 'node:path';
import { counted } from '../admin/format.js';
import { stateOf } from './file-state.js';

/** Milliseconds without another change after which the server is reloaded: an editor writes in several steps, and a build many files. */
const QUIET_MS = 100;
/** Milliseconds after which it is reloaded although files go on changing. */
const MOST_MS = 1_000;

interface Reloads {
  reload(): Promise<{ readonly outcome: string; readonly replaced?: number; readonly advice?: string }>;
  readonly log: { info(text: string): void; warn(text: string): void; error(text: string): void };
}

/** A file of the program, and what it was before it was read. */
export type LoadedFile = readonly [file: string, state: string];

/** What the kernel says when no more directories can be watched, with what there is to do. */
const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: "raise the limit: sysctl fs.inotify.max_user_watches, which is each user's",
  EMFILE: "raise the limit: sysctl fs.inotify.max_user_instances, which is each user's",
};

/** Reloads a server when a file of its program changes. Directories are watched, for most editors put a new file in the place of the old one. */
export class ProgramWatch {
  /** By directory, what each of its files was when it was looked at last. */
  readonly #files = new Map<string, Map<string, string>>();
  readonly #directories = new Map<string, FSWatcher | undefined>();
  /** In which something is another: of a large program the other files are not looked at. */
  readonly #stirred = new Set<string>();
  /** Limits that were met, of which the log tells once and not for each directory. */
  readonly #limits = new Set<string>();
  readonly #changed = new Set<string>();
  #server: Reloads | undefined;
  #from = '';
  #timer: NodeJS.Timeout | undefined;
  /** When a file has changed that no reload has been begun for. */
  #since: number | undefined;
  /** The reloads that have not come to their end: one that runs, and one that begins when that is over. */
  readonly #asked: Promise<unknown>[] = [];

  add(files: readonly LoadedFile[]): void {
    for (const [file, state] of files) {
      const directory = dirname(file);
      const known = this.#files.get(directory) ?? new Map<string, string>();
      if (known.has(file)) continue;
      known.set(file, state);
      this.#files.set(directory, known);
      this.#watch(directory);
      // What has changed since it was read is told by no event.
      this.#soon(directory);
    }
  }

  /** In the log, files are paths from `directory`, where the command was started: a server in the background is in another one. */
  begin(server: Reloads, directory: string): void {
    this.#server = server;
    this.#from = directory;
    for (const directory of this.#directories.keys()) this.#watch(directory);
    server.log.info(`it is reloaded when one of its files changes`);
  }

  #watch(directory: string): void {
    if (this.#directories.get(directory) !== undefined) return;
    this.#directories.set(directory, undefined);
    if (this.#server === undefined) return;
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#soon(directory));
      watcher.on('error', () => this.#lost(directory));
      this.#directories.set(directory, watcher);
      // What has changed between the look at its files and this is told by no event.
      this.#soon(directory);
    } catch (error) {
      this.#unwatched(directory, error as NodeJS.ErrnoException);
    }
  }

  #unwatched(directory: string, { code = '', message }: NodeJS.ErrnoException): void {
    if (this.#limits.has(code)) return;
    const advice = LIMITS[code];
    if (advice !== undefined) this.#limits.add(code);
    const which = advice === undefined ? 'is not watched' : 'and directories after it are not watched';
    this.#server?.log.warn(`${directory} ${which}: ${message}${advice === undefined ? '' : `; ${advice}`}`);
  }

  /** It has been removed, or moved: what takes its place is watched with the next file that is loaded from there. */
  #lost(directory: string): void {
    this.#directories.get(directory)?.close();
    this.#directories.delete(directory);
  }

  /** Something is another in a directory: maybe no file of the program, but one that it writes itself, again and again. */
  #soon(directory?: string): void {
    if (directory !== undefined) this.#stirred.add(directory);
    if (this.#server === undefined) return;
    this.#timer ??= setTimeout(() => this.#look(), QUIET_MS).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const isChanging = this.#compare();
    // What changes before the second begins is in it.
    if (this.#changed.size === 0 || this.#asked.length > 1) return;
    const now = performance.now();
    this.#since ??= now;
    if (isChanging && now - this.#since < MOST_MS) return this.#soon();
    this.#since = undefined;
    void this.#reload();
  }

  /** Whether a file has changed since it was looked at last. */
  #compare(): boolean {
    let isChanging = false;
    for (const [directory, files] of this.#files) {
      const isWatched = this.#directories.get(directory) !== undefined;
      if (isWatched && !this.#stirred.has(directory)) continue;
      for (const [file, before] of files) {
        const now = stateOf(file);
        if (now === before) continue;
        files.set(file, now);
        this.#changed.add(file);
        isChanging = true;
      }
    }
    this.#stirred.clear();
    return isChanging;
  }

  /** It is asked for at once: one that runs may wait for a version that does not come up, and is given up when another is asked for. */
  async #reload(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const [before] = this.#asked;
    const reloaded = server.reload();
    this.#asked.push(reloaded);
    await before;
    const files = [...this.#changed].map((file) => relative(this.#from, file) || file).sort();
    this.#changed.clear();
    const what = `${files.slice(0, 3).join(', ')}${files.length > 3 ? ` and ${files.length - 3} more` : ''} changed`;
    const began = performance.now();
    const { outcome, replaced = 0, advice = '' } = await reloaded;
    const ms = Math.round(performance.now() - began);
    if (outcome === 'reloaded')
      server.log.info(`${what}: reloaded ${counted(replaced, 'process', 'processes')} in ${ms} ms`);
    else if (outcome === 'failed')
      server.log.error(`${what}: the new version does not start, and the one before serves on. ${advice}`);
    this.#asked.splice(this.#asked.indexOf(reloaded), 1);
  }
}
