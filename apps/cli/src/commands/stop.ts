import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, livenessOf } from '@millrace/native';
import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';

const LOOK_MS = 20;
const TOLD_MS = 1_000;

/** Ends a server in order. Resolves when its master has ended. */
export async function stop(name: string | undefined): Promise<void> {
  const client = new AdminClient(findServer(name));
  const { pid } = await client.get<{ pid: number }>('/v1/status');
  // By its start as well: the number may be another process's by the time that it has ended.
  const master = identityOf(pid);
  await client.post('/v1/stop');
  const beganAt = performance.now();
  let toldAt = beganAt;
  while (master !== undefined && livenessOf(master) === 'alive') {
    await sleep(LOOK_MS);
    const now = performance.now();
    if (now - toldAt < TOLD_MS) continue;
    toldAt = now;
    console.error(`it finishes what it has: ${Math.round((now - beganAt) / 1_000)} s`);
  }
  console.error(`${client.place.name} has ended`);
}
