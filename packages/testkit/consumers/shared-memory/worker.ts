import { column, ringFromParent, Table } from '@millrace/shared-memory';

const parent = ringFromParent<number, string>();
for await (const name of parent) {
  const visits = Table.openOrCreate(name, {
    rows: 100,
    columns: { name: column.string(32), hits: column.int64() },
  });
  parent.send(Number(visits.increment('ada', 'hits', 3)));
  visits.close();
}
