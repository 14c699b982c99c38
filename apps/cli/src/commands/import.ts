import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
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
  const programs = apps.filter(({ config }) => config !== undefined).length;
  const written = apps.map((app) => ({ ...app, files: filesOf(app, programs === 1, to) }));
  const there = written
    .flatMap(({ files }) => files.map(([name]) => name))
    .filter((name) => existsSync(name));
  if (there.length > 0 && !force)
    throw new CommandError('failed', `There is ${there.join(', ')} already: --force writes over it.`);
  for (const [name, text] of written.flatMap(({ files }) => files)) {
    // Variables are often secrets.
    writeFileSync(name, text, { mode: name.endsWith('.env') ? 0o600 : 0o644 });
  }
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
    const config = programs === 1 ? '' : ` --config ${files[0]?.[0]}`;
    console.error(`${name}: millrace start${config}`);
  }
}

/** Its name and its text, of each file. */
function filesOf({ name, config, variables }: Imported, isOnly: boolean, to: string): [string, string][] {
  if (config === undefined) return [];
  const own = join(to, isOnly ? 'millrace.config.json' : `${name}.millrace.config.json`);
  const lines = Object.entries(variables).map(([variable, value]) => `${variable}=${quoted(value)}\n`);
  return [
    [own, `${JSON.stringify(config, undefined, 2)}\n`],
    ...(lines.length === 0 ? [] : [[join(to, `${name}.env`), lines.join('')] satisfies [string, string]]),
  ];
}

/** As files of variables have it: in the quotes that the value does not have. */
function quoted(value: string): string {
  if (/^[\w./:@-]*$/.test(value)) return value;
  const quote = ["'", '`', '"'].find((one) => !value.includes(one)) ?? "'";
  return `${quote}${value}${quote}`;
}

function appsOf(path: string): Readonly<Record<string, unknown>>[] {
  let loaded: unknown;
  try {
    loaded = createRequire(path)(path);
  } catch (error) {
    throw new CommandError('failed', `${path} cannot be read: ${(error as Error).message}`);
  }
  const { default: inner, apps = inner } = loaded as { readonly apps?: unknown; readonly default?: unknown };
  const list = (Array.isArray(loaded) ? loaded : [apps ?? loaded].flat()) as Readonly<
    Record<string, unknown>
  >[];
  const isApp = (app: unknown) =>
    typeof app === 'object' && app !== null && ('script' in app || 'exec' in app);
  if (list.length === 0 || !list.every(isApp))
    throw new CommandError('failed', `${path} has no apps with a script, as a file of pm2 has.`);
  return list;
}
