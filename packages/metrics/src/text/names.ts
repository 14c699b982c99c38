import { shown } from '@millrace/channel/errors';
import { MetricsError } from '../errors.js';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function isMetricName(name: unknown): name is string {
  return typeof name === 'string' && METRIC_NAME.test(name);
}

/** Names with two underscores are Prometheus's own. */
export function isLabelName(name: unknown): name is string {
  return typeof name === 'string' && LABEL_NAME.test(name) && !name.startsWith('__');
}

export function checkMetricName(name: unknown): string {
  if (isMetricName(name)) return name;
  throw new MetricsError(
    'ERR_MILLRACE_METRICS_NAME',
    `${shown(name)} cannot name a metric: letters, digits, '_' and ':' are allowed, and no digit at the beginning.`,
    { value: name },
  );
}

export function checkHelp(help: unknown, name: string): string {
  if (typeof help === 'string' && help !== '') return help;
  throw new MetricsError(
    'ERR_MILLRACE_METRICS_NAME',
    `The metric ${name} has ${shown(help)} for its help: a text is needed that says what it counts.`,
    { value: help },
  );
}

/** The names of a metric's labels; `reserved` is what a page has for itself: `le` of a histogram. */
export function checkLabelNames(labelNames: unknown, name: string, reserved?: string): readonly string[] {
  const names: unknown[] = Array.isArray(labelNames) ? labelNames : [labelNames];
  const bad = names.find(
    (label, i) => !isLabelName(label) || label === reserved || names.indexOf(label) !== i,
  );
  if (bad === undefined && !names.includes(undefined)) return names as string[];
  throw new MetricsError(
    'ERR_MILLRACE_METRICS_NAME',
    `${shown(bad)} cannot be a label of ${name}: letters, digits and '_' are allowed, no digit or '__' at the beginning, and ` +
      `each name once${reserved === undefined ? '' : `; '${reserved}' is of the page`}.`,
    { value: bad },
  );
}
