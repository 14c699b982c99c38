import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, clean } from '../admin/format.js';
import { writeProfile } from '../profile-file.js';

/** Bytes of a profile that are read again for what to say of it. */
const MOST_READ_BYTES = 64 << 20;
const TOLD_MS = 5_000;

interface ProfileFlags {
  readonly name?: string;
  readonly heap?: true;
  readonly output?: string;
  readonly json?: true;
}

/** Has a process that runs write down a CPU profile or its heap, and puts that into a file. Prints the name of the file. */
export async function profile(wanted: string, seconds: number, flags: ProfileFlags): Promise<void> {
  const { name, heap, output, json } = flags;
  const client = new AdminClient(findServer(name));
  // It answers within a second, or not at all; the process that is asked may take longer to begin.
  await client.get('/v1/status');
  const kind = heap ? 'heap' : 'cpu';
  const path = `/v1/processes/${encodeURIComponent(wanted)}/profile`;
  const response = await client.stream(path, { kind, seconds });
  if (output === '-') return void (await pipeline(response, process.stdout, { end: false }));
  const file = output ?? nameFor(response);
  const endTelling = tell(heap ? 'its heap is written down' : `of ${seconds} s`);
  const written = await writeProfile(response, file, output === undefined).finally(endTelling);
  // What is no file of this name, a FIFO say, may not be read again.
  const innermost = heap || !written.isFile ? undefined : interruptedIn(file, written.bytes);
  if (json)
    console.log(
      JSON.stringify({ process: wanted, kind, file, bytes: written.bytes, interruptedAt: innermost ?? null }),
    );
  else console.log(file);
  if (innermost !== undefined) console.error(`its loop does not turn: it is in ${clean(innermost)}`);
  console.error(
    `${bytes(written.bytes)}; developer tools load it: ${heap ? 'Memory' : 'Performance'}, or drop it on an editor`,
  );
}

/** The function that a process was in, where it had to be interrupted. The profile has the stacks. */
function interruptedIn(file: string, written: number): string | undefined {
  if (written > MOST_READ_BYTES) return undefined;
  const { interruptedAt } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly interruptedAt?: readonly (readonly string[])[];
  };
  return interruptedAt?.at(-1)?.[0];
}

/** As the server calls it, with the time, so that none is written over. */
function nameFor({ headers }: IncomingMessage): string {
  const [, own = 'profile.cpuprofile'] =
    /filename="([\w.-]+)"/.exec(headers['content-disposition'] ?? '') ?? [];
  const [base = '', extension = ''] = own.split(/\.(?=[^.]+$)/);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${base}-${time}.${extension}`;
}

/** Says that it goes on; returns what ends that. */
function tell(what: string): () => void {
  const beganAt = performance.now();
  const timer = setInterval(
    () => console.error(`${Math.round((performance.now() - beganAt) / 1_000)} s: ${what}`),
    TOLD_MS,
  );
  return () => clearInterval(timer);
}
