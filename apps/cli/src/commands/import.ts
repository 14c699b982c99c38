import { closeSync, lstatSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { inspect, parseEnv } from 'node:util';
import { CommandError, EXIT } from '../command-error.js';
import { type Imported, importApp } from '../import/pm2-app.js';

/** Writes a configuration for each app of a file of pm2, and says what has no counterpart. Nothing that there is is written over. */
export function importEcosystem(
  file: string,
  { env, force, json }: { readonly env?: string; readonly force?: true; readonly json?: true },
): void {
  const path = resolve(file);
  const to = process.cwd();
  const apps = appsOf(path).map((app) => importApp(app, env, dirname(path), to));
  assertApart(
    apps.filter(({ config }) => config !== undefined),
    path,
  );
  const programs = apps.filter(({ config }) => config !== undefined).length;
  const written = apps.map((app) => ({ ...app, files: filesOf(app, programs === 1, to) }));
  const there = written
    .flatMap(({ files }) => files.map(([name]) => name))
    .filter((name) => lstatSync(name, { throwIfNoEntry: false }) !== undefined);
  if (there.length > 0 && !force)
    throw new CommandError('failed', `There is ${there.join(', ')} already: --force writes over it.`);
  for (const [name, text] of written.flatMap(({ files }) => files)) write(name, text);
  if (programs === 0) process.exitCode = EXIT.failed;
  if (json)
    return console.log(
      JSON.stringify(
        written.map(({ name, config, notes, files }) => ({
          name,
          config: config ?? null,
          notes,
          files: files.map(([path]) => path),
        })),
      ),
    );
  for (const { name, config: own, notes, files } of written) {
    for (const [path] of files) console.log(path);
    for (const note of notes) console.error(`${name}: ${note}`);
    if (own === undefined) continue;
    const config = programs === 1 ? '' : ` --config ${inShell(files[0]?.[0] as string)}`;
    console.error(`${name}: millrace start${config}`);
  }
}

/** Its name and its text, of each file. */
function filesOf({ name, config, variables }: Imported, isOnly: boolean, to: string): [string, string][] {
  if (config === undefined) return [];
  const own = join(to, isOnly ? 'millrace.config.json' : `${name}.millrace.config.json`);
  const lines = Object.entries(variables).map(([variable, value]) => lineOf(name, variable, value));
  return [
    [own, `${JSON.stringify(config, undefined, 2)}\n`],
    ...(lines.length === 0 ? [] : [[join(to, `${name}.env`), lines.join('')] satisfies [string, string]]),
  ];
}

/** In quotes that the value does not have, or in none: as it is read again. */
function lineOf(app: string, variable: string, value: string): string {
  const ways = /^[\w./:@-]*$/.test(value) ? [''] : ["'", '`', '"', ''];
  for (const quote of ways) {
    const line = `${variable}=${quote}${value}${quote}\n`;
    const read = Object.entries(parseEnv(line));
    if (read.length === 1 && read[0]?.[0] === variable && read[0][1] === value) return line;
  }
  throw new CommandError(
    'failed',
    `No file of variables can hold ${JSON.stringify(variable)} of ${app} as it is: it has every kind of quotes, or a name that is none. Leave it out, and set it in the environment of the start.`,
  );
}

/** Servers are told apart by their names, as their files are. */
function assertApart(apps: readonly Imported[], path: string): void {
  const names = apps.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new CommandError(
      'failed',
      `${path} has several apps whose servers would be called ${twice}: give each a name of its own.`,
    );
}

/** Anew, so that it is nobody else's, is not written through a link, and has rights of its own: variables are often secrets. */
function write(path: string, text: string): void {
  try {
    rmSync(path, { force: true });
    const file = openSync(path, 'wx', path.endsWith('.env') ? 0o600 : 0o644);
    try {
      writeFileSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new CommandError('failed', `${path} cannot be written: ${(error as Error).message}`);
  }
}

const inShell = (word: string) =>
  /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

function appsOf(path: string): Readonly<Record<string, unknown>>[] {
  let loaded: unknown;
  try {
    loaded = createRequire(path)(path);
  } catch (error) {
    // Of a module that there is not, what asked for it is said on further lines.
    const why =
      error instanceof Error ? error.message.split('\nRequire stack:')[0] : `it throws ${inspect(error)}`;
    throw new CommandError('failed', `${path} cannot be read: ${why}`);
  }
  const { default: inner, apps = inner } = Object(loaded) as {
    readonly apps?: unknown;
    readonly default?: unknown;
  };
  const list = (Array.isArray(loaded) ? loaded : [apps ?? loaded].flat()) as Readonly<
    Record<string, unknown>
  >[];
  const isApp = (app: unknown) => {
    const { script, exec } = Object(app) as Readonly<Record<string, unknown>>;
    return typeof (script ?? exec) === 'string';
  };
  if (list.length === 0 || !list.every(isApp))
    throw new CommandError('failed', `${path} has no apps with a script, as a file of pm2 has.`);
  return list;
}
