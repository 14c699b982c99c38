import { statSync, unlinkSync } from 'node:fs';
import { syscalls } from './addon.js';
import type { EncodedAddress } from './address.js';
import { AF_UNIX, ECONNREFUSED } from './constants.js';

/** The file that a bound unix socket leaves in the file system, told from another of the same name by its inode. */
export class SocketFile {
  readonly #path: string;
  readonly #inode: number | undefined;

  /** `path` has just been bound; a name of the abstract namespace has no file. */
  constructor(path: string) {
    this.#path = path;
    this.#inode = path.startsWith('\0') ? undefined : inodeOf(path);
  }

  get exists(): boolean {
    return this.#inode !== undefined;
  }

  /** Removes the file, unless it is gone or somebody else's by now. */
  remove(): void {
    if (this.#inode === undefined || inodeOf(this.#path) !== this.#inode) return;
    unlinkSync(this.#path);
  }
}

/** Removes the file of a socket that nobody has open any more: its owner crashed. True when it did. */
export function removeStale(path: string, address: EncodedAddress, type: number): boolean {
  if (path.startsWith('\0') || !statSync(path, { throwIfNoEntry: false })?.isSocket()) return false;
  const probe = syscalls.socket(AF_UNIX, type, 0);
  if (probe < 0) return false;
  const result = syscalls.connect(probe, address.bytes, address.length);
  syscalls.close(probe);
  if (result !== -ECONNREFUSED) return false;
  unlinkSync(path);
  return true;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
