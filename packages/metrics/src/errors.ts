import { MillraceError } from '@millrace/channel/errors';

/** The closed set of codes that errors of this package carry. Codes are stable; messages are not. */
export type MetricsErrorCode =
  /** A metric, a label or a unit cannot have this name, or there is no help text: the message says what Prometheus demands. */
  | 'ERR_MILLRACE_METRICS_NAME'
  /** An option of a metric or a registry that cannot be: the message names the value and the limits. */
  | 'ERR_MILLRACE_METRICS_OPTION'
  /** Labels that are not those of the metric, or a label's value that is neither a string nor a number, or too long. */
  | 'ERR_MILLRACE_METRICS_LABELS'
  /** A value that is no number, or that the metric does not take: a counter does not go down. */
  | 'ERR_MILLRACE_METRICS_VALUE'
  /** This registry has a metric of that name already. */
  | 'ERR_MILLRACE_METRICS_REGISTERED'
  /** Another process has defined a metric of that name otherwise: the message names the difference. */
  | 'ERR_MILLRACE_METRICS_MISMATCH'
  /** There are `maxSeries` series, of the metric or of the registry: what is counted for one more is lost, and counted as such. */
  | 'ERR_MILLRACE_METRICS_SERIES_FULL'
  /** The memory of the registry has no room for one more metric or series. */
  | 'ERR_MILLRACE_METRICS_MEMORY_FULL'
  /** A process that lives has kept the lock for adding series for too long. */
  | 'ERR_MILLRACE_METRICS_BUSY'
  /** The memory holds no metrics of this version, or what a process has written over. */
  | 'ERR_MILLRACE_METRICS_CORRUPT'
  /** A joined registry has a metric of a name that is taken, with another type: it is left out. */
  | 'ERR_MILLRACE_METRICS_JOIN'
  /** The memory that a parent process has handed down cannot be opened: this process counts in one of its own. */
  | 'ERR_MILLRACE_METRICS_INHERITANCE';

export class MetricsError extends MillraceError<MetricsErrorCode> {
  override readonly name = 'MetricsError';
}
