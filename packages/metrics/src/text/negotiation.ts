import { type MetricsContentType, OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } from './format.js';

/** A range of an Accept header: `application/openmetrics-text;version=1.0.0;q=0.75`. */
interface Range {
  readonly type: string;
  readonly version: string | undefined;
  readonly quality: number;
}

/**
 * The content type of a page for a request with this `Accept` header: OpenMetrics where it is asked for in a version that
 * there is, and not less than Prometheus's text; that text otherwise, for whoever says nothing.
 */
export function negotiateContentType(accept: string | undefined): MetricsContentType {
  const ranges = (accept ?? '').split(',').map(rangeOf);
  const best = (fits: (range: Range) => boolean) =>
    Math.max(0, ...ranges.filter(fits).map(({ quality }) => quality));
  const open = best(
    ({ type, version }) =>
      type === 'application/openmetrics-text' && (version === undefined || version.startsWith('1.')),
  );
  const plain = best(
    ({ type, version }) => type === 'text/plain' && (version === undefined || version === '0.0.4'),
  );
  return open > 0 && open >= plain ? OPENMETRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE;
}

function rangeOf(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const value = (name: string) =>
    parameters
      .find((parameter) => parameter.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replaceAll('"', '');
  const quality = Number(value('q') ?? 1);
  return { type, version: value('version'), quality: Number.isFinite(quality) ? quality : 0 };
}
