/**
 * Round trips over a ring between two processes that take messages by looking again and again, without their loops.
 * Arguments: bytes of a message, how many; the process that is started without a third prints the figures.
 */
import { fileURLToPath } from 'node:url';
import { bytesCodec, type TransportChannel } from '@millrace/channel';
import { ringFromParent, spawnWithRing } from '@millrace/shared-memory';

const [sizeText, countText, role] = process.argv.slice(2) as [string, string, string?];
const size = Number(sizeText);
const count = Number(countText);
const message = Buffer.alloc(size, 1);
type Ring = TransportChannel<Uint8Array, Buffer>;

function next(ring: Ring): Buffer {
  for (;;) {
    const taken = ring.tryReceive();
    if (taken !== undefined) return taken;
  }
}

/** Microseconds of one of `trips` there and back. */
function roundTrips(ring: Ring, trips: number): number {
  const started = performance.now();
  for (let i = 0; i < trips; i++) {
    ring.send(message);
    next(ring);
  }
  return ((performance.now() - started) * 1_000) / trips;
}

if (role === undefined) {
  const { ring } = spawnWithRing<Uint8Array, Buffer>(fileURLToPath(import.meta.url), {
    args: [sizeText, countText, 'peer'],
    codec: bytesCodec(),
  });
  roundTrips(ring, count);
  console.log(JSON.stringify({ microseconds: roundTrips(ring, count) }));
} else {
  const ring = ringFromParent<Uint8Array, Buffer>({ codec: bytesCodec() });
  for (let i = 0; i < 2 * count; i++) ring.send(next(ring));
}
process.exit();
