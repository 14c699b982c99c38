import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds until a program accepts, at most. */
const START_MS = 10_000;
const RETRY_MS = 10;
/** Between two connections of a client who waits for a first answer: short beside what is measured. */
const FIRST_RETRY_MS = 1;

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

/** Waits until a message of a client is answered for the first time; what comes back is not looked at. */
export async function answers(port: number, message: Uint8Array, host = '127.0.0.1'): Promise<void> {
  const end = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, host);
    const answered = await new Promise<boolean>((resolve) => {
      socket.setTimeout(START_MS, () => resolve(false));
      socket.once('connect', () => socket.write(message));
      socket.once('data', () => resolve(true)).once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    socket.destroy();
    if (answered) return;
    if (performance.now() > end) throw new Error(`Nothing answers on port ${port} after ${START_MS} ms.`);
    await sleep(FIRST_RETRY_MS);
  }
}
