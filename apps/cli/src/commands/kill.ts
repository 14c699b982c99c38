import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';

interface Killed {
  readonly process: string;
  readonly pid: number;
  readonly signal: string;
}

/** Sends a signal to a process of a server, as in a drill. */
export async function kill(
  wanted: string,
  { name, signal, json }: { readonly name?: string; readonly signal: string; readonly json?: true },
): Promise<void> {
  const client = new AdminClient(findServer(name));
  const path = `/v1/processes/${encodeURIComponent(wanted)}/kill`;
  const sent = await client.post<Killed>(path, { signal });
  if (json) console.log(JSON.stringify(sent));
  else console.error(`${sent.signal} to ${sent.process}, process ${sent.pid}`);
}
