import assert from 'node:assert/strict';
import { createMemoryPair, msgpackCodec } from '@millrace/channel';

const [left, right] = createMemoryPair(msgpackCodec<{ path: string; at: Date }>);
const at = new Date();
left.send({ path: '/tmp/a', at });
assert.deepEqual(await right.receive({ timeout: 5_000 }), { path: '/tmp/a', at });
await left.close();
