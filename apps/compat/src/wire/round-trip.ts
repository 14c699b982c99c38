import { type Target, Wire } from './wire.js';

/** A round trip over this many connections shows that a server has read what came before: one of them for each of its workers. */
const ROUNDS = 8;

/** Waits until a server has read what came before. */
export async function serverHasRead(target: Target): Promise<void> {
  await Promise.all(
    Array.from({ length: ROUNDS }, async () => {
      using wire = await Wire.connect(target);
      await wire.send('GET /round HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await wire.over();
    }),
  );
}
