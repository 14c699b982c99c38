import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds until a program accepts, at most. */
const START_MS = 10_000;
const RETRY_MS = 10;

/** Waits until a program that does not say so accepts. */
export async function accepts(port: number, host = '127.0.0.1'): Promise<void> {
  const end = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, host);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    if (performance.now() > end) throw new Error(`Nothing accepts on port ${port} after ${START_MS} ms.`);
    await sleep(RETRY_MS);
  }
}
