import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** The user and group that every Linux has for what belongs to nobody: another local user, for tests that root runs. */
export const OTHER_USER = 65_534;

/** Whether this process may act as another user. */
export const canBeOthers = process.getuid?.() === 0;

/**
 * Runs a Python program as another local user until `stop`; it says `ready` on its standard output once it has done
 * what it is for.
 */
export async function asOtherUser(
  program: string,
  args: readonly string[] = [],
): Promise<{ readonly process: ChildProcess; stop(): Promise<void> }> {
  const child = spawn('python3', ['-u', '-c', program, ...args], {
    uid: OTHER_USER,
    gid: OTHER_USER,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const ready = once(child.stdout, 'data');
  await Promise.race([
    ready,
    ended.then(([code]) => {
      throw new Error(`The program of the other user ended with ${code}`);
    }),
  ]);
  return {
    process: child,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Listens at a unix socket (`\0` begins an abstract name); the type is that of Python's `socket` module. */
export const LISTEN = `
import os, socket, sys
kind, path = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX, getattr(socket, kind))
listener.bind('\\0' + path[1:] if path[0] == '@' else path)
if path[0] != '@': os.chmod(path, 0o777)
listener.listen(8)
print('ready')
while True: listener.accept()
`;
