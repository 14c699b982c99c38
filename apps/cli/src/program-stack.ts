import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the modules lie that run a program. */
const OURS = realpathSync(dirname(fileURLToPath(import.meta.resolve('@millrace/server/program'))));

/** What a program has failed at, with its own frames: those of Node's loader and of what runs the program say nothing of it. */
export function programStack({ stack, message }: Error): string {
  if (stack === undefined) return message;
  const isFrame = (line: string) => /^ {4}at /.test(line);
  const isOurs = (line: string) => line.includes('node:internal') || line.includes(OURS);
  return stack
    .split('\n')
    .filter((line) => !isFrame(line) || !isOurs(line))
    .join('\n');
}
