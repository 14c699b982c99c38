import { lstatSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { CommandError } from './command-error.js';

/** A heap holds what the server keeps secret. */
const OWN_ONLY = 0o600;
/** What a shell says that Ctrl-C has ended. */
const INTERRUPTED = 130;

export interface Written {
  readonly bytes: number;
  /** A file under that name, as opposed to what a link leads to, or a device. */
  readonly isFile: boolean;
}

/**
 * Writes what a server answers into a file for this user alone. A file that is there already is replaced when the profile is whole, and stays
 * as it is where that fails; `isNew`: one that is there is not replaced. What is no file, a FIFO or a link say, is written to.
 */
export async function writeProfile(
  response: IncomingMessage,
  file: string,
  isNew: boolean,
): Promise<Written> {
  const there = lstatSync(file, { throwIfNoEntry: false });
  const replaces = !isNew && (there === undefined || there.isFile());
  const path = replaces ? `${file}.${process.pid}.part` : file;
  const opened = await open(path, isNew || replaces ? 'wx' : 'w', OWN_ONLY).catch((error: Error) => {
    response.destroy();
    throw new CommandError('failed', `The file cannot be written: ${error.message}.`);
  });
  const isOwn = await identityOf(opened);
  const remove = () => {
    if (isOwn(path)) rmSync(path);
  };
  const interrupted = () => {
    remove();
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', interrupted);
  const target = opened.createWriteStream();
  try {
    await pipeline(response, target);
    if (replaces) renameSync(path, file);
    return { bytes: target.bytesWritten, isFile: isOwn(file) };
  } catch (error) {
    remove();
    throw refusal(error as NodeJS.ErrnoException, file);
  } finally {
    process.removeListener('SIGINT', interrupted);
  }
}

/** Whether a path is that of the file: never a device, a FIFO or a link, and nothing that has come in its place. */
async function identityOf(opened: FileHandle): Promise<(path: string) => boolean> {
  const { ino, dev } = await opened.stat();
  return (path) => {
    const now = lstatSync(path, { throwIfNoEntry: false });
    return now?.isFile() === true && now.ino === ino && now.dev === dev;
  };
}

function refusal({ syscall, code, message }: NodeJS.ErrnoException, file: string): CommandError {
  // Of this side; the other side has no file.
  if (syscall === 'write' || syscall === 'writev')
    return new CommandError(
      'failed',
      `The profile cannot be written to '${file}' (${code}), and nothing of it is left there. Make room, or name another file: -o FILE.`,
    );
  if (syscall === 'rename') return new CommandError('failed', `The file cannot be written: ${message}.`);
  return new CommandError(
    'failed',
    'The profile has been broken off: the process, or the admin process, has ended, or there was no room for it (the log of the server tells).',
  );
}
