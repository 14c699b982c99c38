import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import type * as PinoPretty from 'pino-pretty';
import { LOG_FORMATS, type LogFormat } from '../options/options.js';
import { nameOf, type Origin } from './origin.js';

const require = createRequire(import.meta.url);

/** Says how lines look where the option `logFormat` does not. */
const VARIABLE = 'MILLRACE_LOG_FORMAT';

/** How lines look that go to `fd`, or to a file where that is undefined. */
export function formatFor(option: LogFormat | undefined, fd: number | undefined): LogFormat {
  const wanted = option ?? process.env[VARIABLE];
  const isTerminal = fd !== undefined && isatty(fd);
  return LOG_FORMATS.find((format) => format === wanted) ?? (isTerminal ? 'pretty' : 'json');
}

/** Makes a readable line of one of JSON; colours are for a terminal, and not where `NO_COLOR` is set. */
export function prettyLines(fd: number | undefined): (line: string) => string {
  const { NO_COLOR, TERM } = process.env;
  const isColoured =
    fd !== undefined && isatty(fd) && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  // Of use to few: it is loaded for them alone.
  const { prettyFactory } = require('pino-pretty') as typeof PinoPretty;
  const pretty = prettyFactory({
    colorize: isColoured,
    ignore: 'pid,role,id,stream',
    messageFormat: (line, key) =>
      `${nameOf(line as unknown as Origin)}: ${harmless(String(line[key] ?? ''), isColoured)}`,
    translateTime: 'HH:MM:ss.l',
    singleLine: true,
  }) as (line: string) => string;
  return (line) => {
    try {
      return pretty(line);
    } catch {
      // What is nested too deeply for it, or cannot be a string: a line is there however it looks.
      return `${harmless(line.trimEnd(), isColoured)}\n`;
    }
  };
}

/** What programs and clients bring into a message may move the cursor, or worse: of that a terminal gets colours alone. */
function harmless(text: string, isColoured: boolean): string {
  return text.replaceAll(CONTROLS, (control) => {
    if (control.startsWith('\u001b[')) return isColoured ? control : '';
    return '?';
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they are looked for with
const CONTROLS = /\u001b\[[\d;]*m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
