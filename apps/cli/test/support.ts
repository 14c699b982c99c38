import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Program } from '@millrace/testkit';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export const programOf = (name: string): string =>
  fileURLToPath(new URL(`programs/${name}`, import.meta.url));

export interface StartOptions {
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly through?: readonly string[];
}

/** `millrace start` of a file. */
export function start(
  file: string,
  { flags = [], args = [], env = {}, through = [] }: StartOptions = {},
): Program {
  return new Program(file, { by: [process.execPath, MILLRACE, 'start', ...flags], args, env, through });
}

/** The port that a program has printed behind `word`. */
export async function portOf(program: Program, word = 'listening'): Promise<number> {
  const [, address] = await program.printed(new RegExp(`^${word} (\\{.*?\\})`, 'm'));
  return (JSON.parse(address as string) as { port: number }).port;
}

/** What is answered on a connection of its own. */
export function get(port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (more: string) => {
          text += more;
        })
        .on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}
