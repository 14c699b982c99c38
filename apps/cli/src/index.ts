/**
 * Types a configuration file of the command `millrace`.
 *
 * @example
 * // millrace.config.ts
 * import { defineConfig } from 'millrace';
 *
 * export default defineConfig({ entry: 'app.js', workerNum: 4, envFile: '.env' });
 */
export { defineConfig, type MillraceConfig } from './config/config.js';
