import assert from 'node:assert/strict';
import { column, spawnWithRing, Table } from '@millrace/shared-memory';

const name = `/millrace-consumer-${process.pid}`;
const visits = Table.openOrCreate(name, {
  rows: 100,
  columns: { name: column.string(32), hits: column.int64() },
});
const child = spawnWithRing<string, number>(new URL('./worker.js', import.meta.url));
try {
  child.ring.send(name);
  assert.equal(await child.ring.receive({ timeout: 20_000 }), 3);
  assert.equal(visits.get('ada')?.hits, 3);
} finally {
  await child.ring.close();
  visits.unlink();
}
