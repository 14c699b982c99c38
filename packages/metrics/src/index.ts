export { MetricsError, type MetricsErrorCode } from './errors.js';
export * from './text.js';
