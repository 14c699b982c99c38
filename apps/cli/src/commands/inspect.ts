import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';

interface Inspected {
  readonly process: string;
  readonly pid: number;
  readonly url: string | null;
}

/** Opens or closes the debugger of a process that runs. Prints its address. */
export async function inspect(
  wanted: string,
  { name, close, json }: { readonly name?: string; readonly close?: true; readonly json?: true },
): Promise<void> {
  const client = new AdminClient(findServer(name));
  // It answers within a second, or not at all; the process that is asked may take longer.
  await client.get('/v1/status');
  const path = `/v1/processes/${encodeURIComponent(wanted)}/inspect`;
  const { process, pid, url } = await client.postSlowly<Inspected>(path, { close: close === true });
  const devtools = url && devtoolsUrl(url);
  if (json) return console.log(JSON.stringify({ process, pid, url, devtools }));
  if (url === null) return console.error(`the debugger of ${process}, process ${pid}, is closed`);
  console.log(`${url}\n${devtools}`);
  const who = process === 'master' ? 'Every user of this machine' : 'Who knows this address';
  console.error(
    `The debugger of ${process}, process ${pid}, is open on this machine until millrace inspect ${process} --close, or its end. ` +
      `${who} can run code in it: do not let the port be reached from elsewhere but through ssh -L.`,
  );
}

/** What Chromium opens. */
function devtoolsUrl(url: string): string {
  return `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${url.replace('ws://', '')}`;
}
