/**
 * Counts visits in a table that several processes share: each counts a few, and the first prints the sums.
 *
 *     node dist/visits.js
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { column, Table } from '@millrace/shared-memory';

const PROCESSES = 3;
const VISITS = 10_000;
const definition = {
  rows: 100,
  columns: { name: column.string(32), hits: column.int64(), lastSeen: column.float64() },
};

const [name] = process.argv.slice(2);
if (name === undefined) await count();
else visit(name);

/** In the first process: makes the table, lets others visit, and prints what they have left in it. */
async function count(): Promise<void> {
  const table = Table.create(`/visits-${process.pid}`, definition);
  try {
    console.log(`${table.capacity} rows in ${table.bytes} bytes`);
    table.set('ada', { name: 'Ada Lovelace' });
    table.set('alan', { name: 'Alan Turing' });
    const program = fileURLToPath(import.meta.url);
    const children = Array.from({ length: PROCESSES }, () => fork(program, [table.name as string]));
    await Promise.all(children.map((child) => once(child, 'exit')));
    for (const [key, row] of table) console.log(`${key}: ${row.name}, ${row.hits} visits`);
  } finally {
    table.unlink();
  }
}

/** In the others, which may be any process that knows the name. */
function visit(name: string): void {
  const table = Table.open(name, definition);
  for (let i = 0; i < VISITS; i++) {
    const key = i % 4 === 0 ? 'alan' : 'ada';
    table.increment(key, 'hits');
    table.update(key, { lastSeen: Date.now() });
  }
  table.close();
}
