import type { Series } from '../state/series.js';
import { Chart } from './chart.js';
import { bytes, bytesPerSecond, percent } from './format.js';

interface MeasureProps<Name extends string> {
  readonly series: Series<Name>;
  /** Whose it is. */
  readonly label: string;
}

export function Processor<Name extends string>({ series, label }: MeasureProps<Name | 'cpuPercent'>) {
  return (
    <Chart title="Processor" series={series} format={percent} lines={[{ label, column: 'cpuPercent' }]} />
  );
}

export function Memory<Name extends string>({ series, label }: MeasureProps<Name | 'memory'>) {
  return (
    <Chart
      title="Memory"
      series={series}
      steps="bytes"
      format={bytes}
      lines={[{ label, column: 'memory' }]}
    />
  );
}

export function Traffic<Name extends string>({
  series,
}: Pick<MeasureProps<Name | 'bytesIn' | 'bytesOut'>, 'series'>) {
  return (
    <Chart
      title="Traffic"
      series={series}
      steps="bytes"
      format={bytesPerSecond}
      lines={[
        { label: 'in', column: 'bytesIn', perSecond: true },
        { label: 'out', column: 'bytesOut', perSecond: true },
      ]}
    />
  );
}
