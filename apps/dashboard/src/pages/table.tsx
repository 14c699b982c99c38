import { useEffect, useState } from 'preact/hooks';
import type { TableReport } from '../reports.js';
import { Series } from '../state/series.js';
import { Chart } from '../ui/chart.js';
import { bytes, count, rate, short } from '../ui/format.js';
import { Facts, Panel } from '../ui/parts.js';
import { PolledPart, usePolled } from '../ui/polled.js';
import { fullOf, hitsOf } from './tables.js';

export function TablePage({ name }: { readonly name: string }) {
  const polled = usePolled<TableReport>(`/v1/tables/${encodeURIComponent(name)}`);
  const [series] = useState(() => new Series(['rows', 'hits', 'misses'] as const));
  const { value } = polled;
  useEffect(() => {
    if (value !== undefined) series.push(Date.now(), value);
  }, [series, value]);
  return (
    <>
      <h1 tabIndex={-1}>{name}</h1>
      <PolledPart polled={polled} absent="The program has no table of this name.">
        {(table) => (
          <>
            <section aria-label="Right now" class="vitals">
              <Facts
                facts={[
                  { label: 'Rows', value: count(table.rows), note: `of ${count(table.capacity)}` },
                  { label: 'Full', value: fullOf(table) },
                  { label: 'Memory', value: bytes(table.bytes) },
                  { label: 'Reads', value: short(table.hits + table.misses) },
                  { label: 'Found', value: hitsOf(table), note: 'of what was read' },
                ]}
              />
            </section>
            <Panel title="Since this page was opened" id="charts">
              <div class="charts">
                <Chart
                  title="Rows"
                  series={series}
                  steps="whole"
                  format={count}
                  lines={[{ label: 'there', column: 'rows' }]}
                />
                <Chart
                  title="Reads a second"
                  series={series}
                  format={rate}
                  lines={[
                    { label: 'found', column: 'hits', perSecond: true },
                    { label: 'not there', column: 'misses', perSecond: true },
                  ]}
                />
              </div>
            </Panel>
          </>
        )}
      </PolledPart>
    </>
  );
}
