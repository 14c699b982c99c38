import { serverNames } from '@millrace/server/admin';
import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import type { ProcessReport } from '../admin/reports.js';

/** Prints names for the completion of a shell, one a line: nothing where nothing answers, for there is nobody to tell. */
export async function listNames(what: 'servers' | 'processes'): Promise<void> {
  const names = await namesOf(what);
  if (names.length > 0) console.log(names.join('\n'));
}

async function namesOf(what: 'servers' | 'processes'): Promise<string[]> {
  try {
    return what === 'servers' ? serverNames() : await processNames();
  } catch {
    return [];
  }
}

async function processNames(): Promise<string[]> {
  const client = new AdminClient(findServer(undefined));
  const { processes } = await client.get<{ processes: ProcessReport[] }>('/v1/processes');
  return processes.map(({ name }) => name);
}
