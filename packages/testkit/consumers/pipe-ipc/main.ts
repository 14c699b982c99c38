import assert from 'node:assert/strict';
import { spawnWithPipe } from '@millrace/pipe-ipc';

const child = spawnWithPipe<{ n: number }, number>(new URL('./worker.js', import.meta.url));
child.pipe.send({ n: 21 });
assert.equal(await child.pipe.receive({ timeout: 20_000 }), 42);
await child.pipe.close();
