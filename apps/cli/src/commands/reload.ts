import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { counted, heldText } from '../admin/format.js';
import type { ReloadLine } from '../admin/reports.js';
import { CommandError } from '../command-error.js';

/** Has a server reload, and tells of each process that is replaced. */
export async function reload(
  name: string | undefined,
  { tasks, json }: { readonly tasks?: true; readonly json?: true },
): Promise<void> {
  const client = new AdminClient(findServer(name));
  for await (const line of client.lines<ReloadLine>('/v1/reload', tasks ? { tasksOnly: true } : {})) {
    if (json) console.log(JSON.stringify(line));
    else tell(line);
    if (line.type !== 'done') continue;
    if (line.outcome === 'reloaded') return;
    throw new CommandError(
      'failed',
      line.advice ?? `The server ends: ${counted(line.replaced, 'process', 'processes')} replaced by then.`,
    );
  }
  throw new CommandError(
    'noAnswer',
    'The admin process has ended meanwhile. The reload goes on: millrace status tells of it.',
  );
}

function tell(line: ReloadLine): void {
  switch (line.type) {
    case 'started':
      return console.error(
        `replaces ${counted(line.processes, 'process', 'processes')}, one after the other`,
      );
    case 'replaced':
      return console.error(`${line.process}: ${line.previousPid ?? 'none'} -> ${line.pid}`);
    case 'held':
      return console.error(heldText(line));
    case 'waiting':
      // Each process has its line; long ones say that they go on.
      if (line.seconds % 5 === 0) console.error(`${line.seconds} s`);
      return;
    case 'done':
      return console.error(`${line.outcome}: ${counted(line.replaced, 'process', 'processes')}`);
  }
}
