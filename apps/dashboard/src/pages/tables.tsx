import { hrefOf } from '../state/route.js';
import { bytes, count, percent } from '../ui/format.js';
import { Empty, Facts, Panel } from '../ui/parts.js';
import { usePolled } from '../ui/polled.js';
import { type Column, Table } from '../ui/table.js';

interface TableReport {
  readonly name: string;
  readonly rows: number;
  readonly capacity: number;
  readonly bytes: number;
}

const full = ({ rows, capacity }: TableReport) => percent(capacity === 0 ? null : (rows / capacity) * 100);

const COLUMNS: readonly Column<TableReport>[] = [
  { title: 'Table', of: ({ name }) => <a href={hrefOf('table', name)}>{name}</a> },
  { title: 'Rows', number: true, of: ({ rows }) => count(rows) },
  { title: 'Room for', number: true, of: ({ capacity }) => count(capacity) },
  { title: 'Full', number: true, of: full },
  { title: 'Memory', number: true, of: (table) => bytes(table.bytes) },
];

export function Tables() {
  const { value, failure } = usePolled<{ tables: TableReport[] }>('/v1/tables');
  return (
    <>
      <h1 tabIndex={-1}>Tables</h1>
      <Panel title="Tables in shared memory" id="tables">
        {failure?.status === 404 ? (
          <Empty>This server does not tell of its tables.</Empty>
        ) : failure !== undefined ? (
          <Empty>{failure.message}</Empty>
        ) : value === undefined ? (
          <Empty>Asking …</Empty>
        ) : value.tables.length === 0 ? (
          <Empty>The program has no table.</Empty>
        ) : (
          <Table caption="Tables" columns={COLUMNS} rows={value.tables} keyOf={({ name }) => name} />
        )}
      </Panel>
    </>
  );
}

export function TablePage({ name }: { readonly name: string }) {
  const { value, failure } = usePolled<TableReport>(`/v1/tables/${encodeURIComponent(name)}`);
  return (
    <>
      <h1 tabIndex={-1}>{name}</h1>
      {failure !== undefined ? (
        <Empty>
          {failure.message} <a href={hrefOf('tables')}>All tables</a>
        </Empty>
      ) : value === undefined ? (
        <Empty>Asking …</Empty>
      ) : (
        <section aria-label="Right now" class="vitals">
          <Facts
            facts={[
              { label: 'Rows', value: count(value.rows), note: `of ${count(value.capacity)}` },
              { label: 'Full', value: full(value) },
              { label: 'Memory', value: bytes(value.bytes) },
            ]}
          />
        </section>
      )}
    </>
  );
}
