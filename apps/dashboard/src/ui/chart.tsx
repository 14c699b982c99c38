import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Series } from '../state/series.js';
import { scheme } from '../state/theme.js';
import { type Line, latestOf, minutesOf, valuesOf } from './chart-data.js';
import { clock } from './format.js';
import { Scroll } from './scroll.js';

const SHOWN_SECONDS = 600;
/** Of a server that has only begun, what there is, but no less than this. */
const LEAST_SECONDS = 60;
/** What the values of an axis are apart: such of which there are no parts, and bytes, which are counted by 1,024. */
const STEPS = {
  whole: Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat(),
  bytes: Array.from({ length: 46 }, (_, power) => 2 ** power),
};
const HEIGHT = 132;
/** Of the second line: not told by its colour alone. */
const DASHES = [5, 3];
const FONT = '11px ui-sans-serif, system-ui, sans-serif';

interface ChartProps<Name extends string> {
  readonly title: string;
  readonly series: Series<Name>;
  readonly lines: readonly Line<Name>[];
  readonly format: (value: number | null | undefined) => string;
  readonly steps?: keyof typeof STEPS;
}

/** Numbers over the last ten minutes: as a picture, as what they are now, and as a table of minutes. */
export function Chart<Name extends string>({ title, series, lines, format, steps }: ChartProps<Name>) {
  const place = useRef<HTMLDivElement>(null);
  const id = useId();
  const pointed = useSignal<number | undefined>(undefined);
  const isOpen = useSignal(false);
  // Redrawn with the colours of the other scheme.
  const { value: colours } = scheme;

  // Not for `lines` and `format`: they are constants of the page that shows the chart.
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const plot = new uPlot(
      optionsOf(element, {
        lines: lines.length,
        format,
        steps,
        point: (index) => {
          pointed.value = index;
        },
      }),
      dataOf(series, lines),
      element,
    );
    let frame = 0;
    const end = series.version.subscribe(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => plot.setData(dataOf(series, lines)));
    });
    const resizing = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resizing.observe(element);
    return () => {
      end();
      cancelAnimationFrame(frame);
      resizing.disconnect();
      plot.destroy();
    };
  }, [series, colours]);

  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption>
        <h3 id={id}>{title}</h3>
        <Legend series={series} lines={lines} format={format} pointed={pointed} />
      </figcaption>
      <div class="chart-canvas" ref={place} aria-hidden="true" />
      <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>
          Numbers<span class="visually-hidden"> of {title}</span>
        </summary>
        {isOpen.value && <Minutes title={title} series={series} lines={lines} format={format} />}
      </details>
    </figure>
  );
}

type PartProps<Name extends string> = ChartProps<Name>;

/** What the lines are, with their values now, or where the pointer is. */
function Legend<Name extends string>({
  series,
  lines,
  format,
  pointed,
}: Omit<PartProps<Name>, 'title'> & { readonly pointed: { readonly value: number | undefined } }) {
  const values = useComputed(() => {
    void series.version.value;
    const index = pointed.value;
    return lines.map((line) => {
      const all = valuesOf(series, line);
      return format(index === undefined ? latestOf(all) : all[index]);
    });
  });
  return (
    <dl class="legend">
      {lines.map(({ label }, index) => (
        <div key={label} data-line={index + 1}>
          <dt>{label}</dt>
          <dd>{values.value[index]}</dd>
        </div>
      ))}
    </dl>
  );
}

function Minutes<Name extends string>({ title, series, lines, format }: PartProps<Name>) {
  void series.version.value;
  const columns = lines.map((line) => valuesOf(series, line));
  return (
    <Scroll label={`${title}, by the minute`}>
      <table>
        <caption class="visually-hidden">{title}: the mean of each minute</caption>
        <thead>
          <tr>
            <th scope="col">Minute from</th>
            {lines.map(({ label }) => (
              <th key={label} scope="col" class="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {minutesOf(series.at, columns).map(({ at, means }) => (
            <tr key={at}>
              <th scope="row">{clock(at).slice(0, 5)}</th>
              {means.map((value, index) => (
                <td key={lines[index]?.label} class="number">
                  {format(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function dataOf<Name extends string>(series: Series<Name>, lines: readonly Line<Name>[]): uPlot.AlignedData {
  const seconds = series.at.map((at) => at / 1_000);
  return [seconds, ...lines.map((line) => [...valuesOf(series, line)])];
}

interface Drawn {
  readonly lines: number;
  readonly format: (value: number | null) => string;
  readonly steps: keyof typeof STEPS | undefined;
  readonly point: (index: number | undefined) => void;
}

function optionsOf(element: HTMLElement, { lines, format, steps, point }: Drawn): uPlot.Options {
  const colour = colourReader(element);
  const axis = { stroke: colour('--ink-soft'), font: FONT, ticks: { show: false } };
  return {
    width: element.clientWidth || 300,
    height: HEIGHT,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: 'millrace' },
      drag: { x: false, y: false },
      points: { size: 6 },
    },
    hooks: {
      setCursor: [({ cursor }) => point(cursor.idx ?? undefined)],
    },
    scales: {
      x: {
        range: ({ data }) => {
          const end = data[0].at(-1) ?? Date.now() / 1_000;
          const first = Math.min(data[0][0] ?? end, end - LEAST_SECONDS);
          return [Math.max(first, end - SHOWN_SECONDS), end];
        },
      },
      y: { range: (_, __, most) => [0, niceTop(most)] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        space: 70,
        grid: { show: false },
        values: (_, times) => times.map((at) => clock(at * 1_000).replace(/:00$/, '')),
      },
      {
        ...axis,
        size: 58,
        space: 34,
        ...(steps && { incrs: STEPS[steps] }),
        grid: { stroke: colour('--hairline'), width: 1 },
        values: (_, values) => values.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...Array.from(
        { length: lines },
        (_, index): uPlot.Series => ({
          stroke: colour(`--line-${index + 1}`),
          ...(index === 0 && { fill: colour('--line-1-under') }),
          ...(index > 0 && { dash: DASHES }),
          width: 1.5,
          points: { show: false },
        }),
      ),
    ],
  };
}

/** A canvas knows no variables of the style sheet: what they are, an element tells. */
function colourReader(parent: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement('i');
    probe.style.color = `var(${name})`;
    parent.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

/** A chart of nothing but zeros has a height, too. */
function niceTop(most: number | null): number {
  return most === null || most <= 0 ? 1 : most * 1.1;
}
