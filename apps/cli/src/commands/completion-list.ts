import { serverNames } from '@millrace/server/admin';
import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import type { ConnectionPage, ProcessReport } from '../admin/reports.js';

/** What can be completed by asking. */
export type Listed = 'servers' | 'processes' | 'sessions';

/** Prints names for the completion of a shell, one a line: nothing where nothing answers, for there is nobody to tell. */
export async function listNames(what: Listed): Promise<void> {
  const names = await namesOf(what);
  if (names.length > 0) console.log(names.join('\n'));
}

async function namesOf(what: Listed): Promise<string[]> {
  try {
    if (what === 'servers') return serverNames();
    return what === 'processes' ? await processNames() : await sessionIds();
  } catch {
    return [];
  }
}

async function processNames(): Promise<string[]> {
  const client = new AdminClient(findServer(undefined));
  const { processes } = await client.get<{ processes: ProcessReport[] }>('/v1/processes');
  return processes.map(({ name }) => name);
}

async function sessionIds(): Promise<string[]> {
  const client = new AdminClient(findServer(undefined));
  const { connections } = await client.get<ConnectionPage>('/v1/connections');
  return connections.map(({ session }) => String(session));
}
