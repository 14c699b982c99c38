import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import type { Status } from '../admin/reports.js';
import { CommandError } from '../command-error.js';

/** A port that a browser's machine has, where the socket has none. */
const HERE = 9600;

/** Prints where a browser finds the page of a server. Throws where it has no port, with what gives it one. */
export async function dashboard(name: string | undefined): Promise<void> {
  const client = new AdminClient(findServer(name));
  const { adminAddress, name: own } = await client.get<Status>('/v1/status');
  const { socketPath } = client.place;
  if (adminAddress === null)
    throw new CommandError(
      'failed',
      `The server '${own}' has no port for browsers. Start it with --admin-port ${HERE} and a token in MILLRACE_ADMIN_TOKEN; ` +
        `or, without a new start, give its socket one: ssh -L ${HERE}:${socketPath} HOST, and open http://localhost:${HERE}/`,
    );
  const { host, port } = adminAddress;
  console.log(`http://${host.includes(':') ? `[${host}]` : host}:${port}/`);
}
