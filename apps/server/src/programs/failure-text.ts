import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { MillraceError } from '@millrace/channel/errors';

/** Where the modules lie that run a program; all of them are in one directory once they are built. */
const OURS = realpathSync(dirname(fileURLToPath(import.meta.url)));

/** What is told of a start that has failed, on a terminal: what the program has failed at, then the code and the message. */
export function failureText(error: unknown): string {
  if (!(error instanceof MillraceError)) return inspect(error);
  const { code, message, cause } = error;
  const own = `${code}: ${message}`;
  // Of what is no fault of the program the message says all.
  if (!(cause instanceof Error) || code !== 'ERR_MILLRACE_START_FAILED') return own;
  return `${programStack(cause)}\n${own}`;
}

/** What a program has failed at, with its own frames: those of Node's loader and of what runs the program say nothing of it. */
function programStack({ stack, message }: Error): string {
  if (stack === undefined) return message;
  const isFrame = (line: string) => /^ {4}at /.test(line);
  const isOurs = (line: string) => line.includes('node:internal') || line.includes(OURS);
  return stack
    .split('\n')
    .filter((line) => !isFrame(line) || !isOurs(line))
    .join('\n');
}
