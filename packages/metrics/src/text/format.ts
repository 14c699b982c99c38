import type { MetricFamily, MetricType, Sample, SampleLabels } from './family.js';

export type PrometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';
export type OpenMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
export type MetricsContentType = PrometheusContentType | OpenMetricsContentType;

export const PROMETHEUS_CONTENT_TYPE: PrometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';
export const OPENMETRICS_CONTENT_TYPE: OpenMetricsContentType =
  'application/openmetrics-text; version=1.0.0; charset=utf-8';

export interface RenderOptions {
  /** Default: Prometheus's text. */
  readonly contentType?: MetricsContentType | undefined;
  /** Labels of each sample that has none of that name. */
  readonly defaultLabels?: SampleLabels | undefined;
}

/** The page of these families, in the format that the content type names. */
export function renderFamilies(
  families: Iterable<MetricFamily>,
  { contentType = PROMETHEUS_CONTENT_TYPE, defaultLabels = {} }: RenderOptions = {},
): string {
  const open = contentType === OPENMETRICS_CONTENT_TYPE;
  let page = '';
  for (const family of families) {
    page += familyHead(family, open);
    for (const sample of family.samples)
      page += `${sampleHead(family, sample, defaultLabels, open)}${numberText(sample.value)}\n`;
  }
  return open ? `${page}# EOF\n` : page;
}

/** What says of a family what it is, before its samples. */
export function familyHead({ name, help, type }: Omit<MetricFamily, 'samples'>, open: boolean): string {
  if (!open)
    return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type === 'unknown' ? 'untyped' : type}\n`;
  const family = openName(name, type);
  // Quotes as well, unlike in Prometheus's text.
  return `# HELP ${family} ${escapeQuoted(help)}\n# TYPE ${family} ${type}\n`;
}

/** The line of a sample up to its number. */
export function sampleHead(
  { name, type }: Omit<MetricFamily, 'samples'>,
  sample: Sample,
  defaults: SampleLabels,
  open: boolean,
): string {
  const named = open ? `${openName(name, type)}${suffixOf(sample, type)}` : `${name}${sample.suffix ?? ''}`;
  return `${named}${labelsText(sample, defaults, open)} `;
}

/** In OpenMetrics the name of a counter's family has no `_total`, and each of its samples has. */
function openName(name: string, type: MetricType): string {
  return type === 'counter' ? name.replace(/_total$/, '') : name;
}

function suffixOf({ suffix }: Sample, type: MetricType): string {
  return suffix ?? (type === 'counter' ? '_total' : '');
}

function labelsText({ labels = {} }: Sample, defaults: SampleLabels, open: boolean): string {
  let text = '';
  for (const name in labels) text += label(name, labels[name], open);
  for (const name in defaults) if (!Object.hasOwn(labels, name)) text += label(name, defaults[name], open);
  return text === '' ? '' : `{${text.slice(1)}}`;
}

/** A label without a value is one that is not there. */
function label(name: string, value: string | number | undefined, open: boolean): string {
  if (value === undefined || value === '') return '';
  const isBound = typeof value === 'number' && (name === 'le' || name === 'quantile');
  return `,${name}="${isBound ? boundText(value, open) : escapeQuoted(String(value))}"`;
}

/** OpenMetrics has a bound of 1 as 1.0, so that it is the same series whoever writes it. */
function boundText(value: number, open: boolean): string {
  const text = numberText(value);
  return open && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

const escapeHelp = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const escapeQuoted = (text: string) => escapeHelp(text).replaceAll('"', '\\"');
