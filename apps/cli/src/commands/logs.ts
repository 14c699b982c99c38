import { setTimeout as wait } from 'node:timers/promises';
import { prettyLines } from '@millrace/server/admin';
import { AdminClient, type ServerEvent } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { CommandError, EXIT } from '../command-error.js';

export interface LogsFlags {
  readonly follow?: true;
  readonly process?: string;
  readonly level?: string;
  readonly lines: number;
  readonly json?: true;
}

/** Milliseconds between two attempts to reach the server again, whose admin process has ended. */
const AGAIN_MS = 200;
/** Attempts in a row, until the server is said to be gone. */
const ATTEMPTS = 15;
const STDOUT = 1;

/** Prints the log of a server: what is there, and what comes where that is wanted. */
export async function logs(name: string | undefined, flags: LogsFlags): Promise<void> {
  const { follow = false, process: of, level, lines, json } = flags;
  const client = new AdminClient(findServer(name));
  // As `| head` does it: nothing reads on.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const query = new URLSearchParams({
    lines: String(lines),
    follow: String(follow),
    ...(of !== undefined && { process: of }),
    ...(level !== undefined && { level }),
  });
  const pretty = json ? undefined : prettyLines(STDOUT);
  let last: string | undefined;
  const take = async () => {
    for await (const event of client.events(`/v1/logs?${query}`, last)) {
      print(event, pretty);
      last = event.id ?? last;
    }
  };
  await take();
  if (!follow) return;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await wait(AGAIN_MS);
    try {
      await take();
      attempt = 0;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      // The socket goes with the server, in order; one that was killed leaves it.
      if (error.exitCode === EXIT.noServer) break;
    }
  }
  console.error(`The server '${client.place.name}' has ended.`);
}

function print({ event, data }: ServerEvent, pretty: ((line: string) => string) | undefined): void {
  if (event === 'log') process.stdout.write(pretty === undefined ? `${data}\n` : pretty(data));
  else if (event === 'lost')
    console.error(`${(JSON.parse(data) as { lines: number }).lines} lines came faster than they were read`);
}
