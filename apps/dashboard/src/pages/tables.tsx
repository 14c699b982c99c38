import type { TableReport } from '../reports.js';
import { hrefOf } from '../state/route.js';
import { bytes, count, percent, short } from '../ui/format.js';
import { Empty, Panel } from '../ui/parts.js';
import { PolledPart, usePolled } from '../ui/polled.js';
import { type Column, Table } from '../ui/table.js';

export const fullOf = ({ rows, capacity }: TableReport) =>
  percent(capacity === 0 ? null : (rows / capacity) * 100);
export const hitsOf = ({ hitRate }: TableReport) => percent(hitRate === null ? null : hitRate * 100);

const COLUMNS: readonly Column<TableReport>[] = [
  { title: 'Table', of: ({ name }) => <a href={hrefOf('table', name)}>{name}</a> },
  { title: 'Rows', number: true, of: ({ rows }) => count(rows) },
  { title: 'Room for', number: true, of: ({ capacity }) => count(capacity) },
  { title: 'Full', number: true, of: fullOf },
  { title: 'Memory', number: true, of: (table) => bytes(table.bytes) },
  { title: 'Reads', number: true, of: ({ hits, misses }) => short(hits + misses) },
  { title: 'Found', number: true, of: hitsOf },
];

export function Tables() {
  const polled = usePolled<{ readonly tables: readonly TableReport[] }>('/v1/tables');
  return (
    <>
      <h1 tabIndex={-1}>Tables</h1>
      <Panel title="Tables in shared memory" id="tables">
        <PolledPart polled={polled} absent="This server does not tell of its tables.">
          {({ tables }) =>
            tables.length === 0 ? (
              <Empty>The program has no table.</Empty>
            ) : (
              <Table caption="Tables" columns={COLUMNS} rows={tables} keyOf={({ name }) => name} />
            )
          }
        </PolledPart>
      </Panel>
    </>
  );
}
