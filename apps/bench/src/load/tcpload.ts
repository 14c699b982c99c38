import { Child } from '../child.js';
import type { LoadResult, Work } from './work.js';

/** Milliseconds before the window, as our own client has it. */
const WARM_UP_MS = 500;

/** What `tcpload -j` prints, of it what is used here. */
interface Told {
  readonly rate: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  readonly server_us_per_msg: number;
  readonly client_us_per_msg: number;
}

/** A load by the C client `tcpload`: it leaves the server more of a machine with few processors. Opens no idle ones. */
export async function loadByC(client: string, work: Work): Promise<LoadResult> {
  const flags = {
    p: work.port,
    c: work.connections,
    d: work.depth ?? 1,
    s: work.bytes,
    f: work.framing === 'length' ? 'len' : 'raw',
    t: work.windowMs / 1_000,
    w: (work.warmUpMs ?? WARM_UP_MS) / 1_000,
    S: work.pid,
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, String(value)]);
  const child = new Child(client, [...args, '-j']);
  try {
    const told = await child.next<Told>();
    return {
      rate: told.rate,
      p50: told.p50_us,
      p99: told.p99_us,
      p999: told.p999_us,
      cpu: told.server_us_per_msg,
      clientCpu: told.client_us_per_msg,
      idleBytes: 0,
      mostClients: 0,
    };
  } finally {
    await child.end();
  }
}
