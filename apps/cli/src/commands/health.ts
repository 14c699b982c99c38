import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { CommandError } from '../command-error.js';

/** Says whether a server takes requests, or with `live` whether it lives: for probes, which look at the exit code. */
export async function health(
  name: string | undefined,
  { live = false }: { readonly live?: boolean },
): Promise<void> {
  const client = new AdminClient(findServer(name));
  const { status, body } = await client.ask<{ state: string }>(live ? '/health/live' : '/health/ready');
  console.log(body.state);
  if (status !== 200) throw new CommandError('failed', `The server '${client.place.name}' is ${body.state}.`);
}
