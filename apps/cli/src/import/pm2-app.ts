import { basename, extname, relative, resolve } from 'node:path';
import { inspect } from 'node:util';
import type { MillraceConfig } from '../config/config.js';

/** What an app of pm2's file comes to. */
export interface Imported {
  readonly name: string;
  /** Undefined: it is no program of Node, and has no counterpart as a whole. */
  readonly config: MillraceConfig | undefined;
  /** Its variables, which go into a file that `envFile` names. */
  readonly variables: Readonly<Record<string, string>>;
  /** What has no counterpart, and what there is in its place. */
  readonly notes: readonly string[];
}

const NODE_EXTENSIONS: ReadonlySet<string> = new Set(['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts']);
/** As pm2 chooses them where its file names none. */
const INTERPRETERS: Readonly<Record<string, string>> = {
  '.py': 'python',
  '.sh': 'bash',
  '.rb': 'ruby',
  '.php': 'php',
  '.pl': 'perl',
};

type App = Readonly<Record<string, unknown>>;

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** What pm2 does that a server here does otherwise, or not at all. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  exec_mode: '',
  listen_timeout: 'a start and a reload wait until the program listens',
  wait_ready: 'a process is ready when its program listens',
  watch: 'start it by millrace start --watch',
  cron_restart: 'a timer of systemd, or cron, calls millrace reload',
  autorestart: 'what ends is always started again; a program that is to end is none for a server',
  max_restarts: 'restarts are delayed, longer each time, and the server goes on',
  min_uptime: 'restarts are delayed, longer each time',
  restart_delay: 'restarts are delayed, longer each time',
  exp_backoff_restart_delay: 'restarts are delayed, longer each time',
  out_file: 'what programs print is in the log of the server (logFile)',
  error_file: 'what programs print is in the log of the server (logFile)',
  merge_logs: 'there is one log',
  log_date_format: 'lines are JSON with milliseconds; logFormat pretty shows a time',
  instance_var: 'processes differ by their pids alone',
  source_map_support: 'NODE_OPTIONS=--enable-source-maps in the environment of the start',
};

/** The file is a program: a value may be anything. */
const textOf = (value: unknown) =>
  typeof value === 'object' && value !== null ? inspect(value) : String(value);

/** `to`: the directory of the file that is written; `from`: of pm2's. Undefined where the app has no name and no script. */
export function importApp(app: App, environment: string | undefined, from: string, to: string): Imported {
  const notes: string[] = [];
  const config: Record<string, unknown> = {};
  const known = new Set(['name', 'script', 'args', 'env', 'cwd', 'instances', 'exec_mode']);
  const text = (...options: readonly string[]) => {
    for (const option of options) known.add(option);
    const found = options.map((option) => app[option]).find((value) => value !== undefined && value !== null);
    return found === undefined ? undefined : textOf(found);
  };
  const cwd = typeof app.cwd === 'string' ? resolve(from, app.cwd) : from;
  if (cwd !== to) notes.push(`cwd: start it in ${cwd}, which is where it runs`);
  const script = text('script', 'exec') ?? '';
  const entry = relative(to, resolve(cwd, script));
  config.entry = entry.startsWith('.') ? entry : `./${entry}`;
  const name = text('name') ?? script.replace(/^.*\//, '').replace(/\.\w+$/, '');
  const found =
    name
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 64) || 'app';
  config.name = found;
  if (found !== name)
    notes.push(`name: ${JSON.stringify(name)} is none of a server, which is called ${found}`);
  if (Array.isArray(app.args)) config.args = app.args.map(textOf);
  else if (app.args !== undefined)
    config.args = textOf(app.args)
      .split(/\s+/)
      .filter((word) => word !== '');
  workersOf(app, config, notes);
  const memory = text('max_memory_restart');
  if (memory !== undefined) {
    const [, count = '', unit = ''] = /^(\d+)([KMG]?)B?$/i.exec(memory) ?? [];
    if (count === '') notes.push(`max_memory_restart: ${memory} is no size`);
    else config.maxWorkerMemory = Number(count) * (UNITS[unit.toUpperCase()] as number);
  }
  const wait = Number(text('kill_timeout'));
  if (Number.isInteger(wait) && wait > 0) config.maxWaitTime = wait;
  const path = (value: string) => relative(to, resolve(cwd, value)) || '.';
  const [pidFile, logFile] = [text('pid_file', 'pid'), text('log_file', 'log')];
  if (pidFile !== undefined) config.pidFile = path(pidFile);
  if (logFile !== undefined && logFile !== 'true') config.logFile = path(logFile);
  const [user, group] = [text('uid', 'user'), text('gid')];
  if (user !== undefined) config.user = user;
  if (group !== undefined) config.group = group;
  const interpreter = text('interpreter', 'exec_interpreter');
  const foreign = foreignInterpreter(script, interpreter);
  if (foreign !== undefined)
    return {
      name: found,
      config: undefined,
      variables: {},
      notes: [`it has no counterpart: ${script} is run by ${foreign}, and the program has to be one of Node`],
    };
  if (isTypeScriptLoader(interpreter))
    notes.push(
      `interpreter: NODE_OPTIONS="--import tsx" in the environment of the start, or a build of the program`,
    );
  const nodeArgs = app.node_args ?? app.interpreter_args;
  text('node_args', 'interpreter_args');
  if (nodeArgs !== undefined)
    notes.push(
      `node_args: NODE_OPTIONS="${[nodeArgs].flat().map(textOf).join(' ')}" in the environment of the start`,
    );
  const variables = variablesOf(app, environment, known, notes);
  if (Object.keys(variables).length > 0) config.envFile = `./${found}.env`;
  for (const [option, value] of Object.entries(app)) {
    if (known.has(option) || value === undefined || value === false) continue;
    notes.push(`${option}: ${ELSEWHERE[option] ?? 'there is no counterpart'}`);
  }
  return { name: found, config: config as MillraceConfig, variables, notes };
}

/** What pm2 runs a script by, where that is neither Node nor something in it; undefined: it is. */
function foreignInterpreter(script: string, interpreter: string | undefined): string | undefined {
  if (interpreter !== undefined && interpreter !== 'none')
    return /^(node|nodejs)$/.test(basename(interpreter)) || isTypeScriptLoader(interpreter)
      ? undefined
      : interpreter;
  const extension = extname(script);
  // Of a script without one, only an interpreter says that it is none of Node.
  if (extension === '' && interpreter === undefined) return undefined;
  if (NODE_EXTENSIONS.has(extension)) return undefined;
  return interpreter === 'none' ? 'itself' : (INTERPRETERS[extension] ?? `what runs ${extension}`);
}

const isTypeScriptLoader = (interpreter: string | undefined) =>
  interpreter !== undefined && /^(tsx|ts-node)$/.test(basename(interpreter));

function workersOf(app: App, config: Record<string, unknown>, notes: string[]): void {
  const instances =
    app.instances === undefined ? 1 : app.instances === 'max' ? 0 : Number(textOf(app.instances));
  if (Number.isInteger(instances) && instances > 0) config.workerNum = instances;
  else if (instances < 0)
    notes.push(`instances: ${instances} counts from the processors; there are as many workers as those now`);
  else if (instances !== 0) notes.push(`instances: ${textOf(app.instances)} is no number`);
  if (textOf(app.exec_mode ?? 'fork').startsWith('fork') && instances !== 1)
    notes.push('exec_mode: fork with several instances; the workers here share the ports of the program');
}

function variablesOf(
  app: App,
  environment: string | undefined,
  known: Set<string>,
  notes: string[],
): Record<string, string> {
  const others = Object.keys(app).filter((option) => option.startsWith('env_'));
  for (const option of others) known.add(option);
  const wanted = environment === undefined ? undefined : `env_${environment}`;
  if (wanted !== undefined && app[wanted] === undefined) notes.push(`${wanted}: the app has none`);
  const left = others.filter((option) => option !== wanted);
  if (left.length > 0) notes.push(`${left.join(', ')}: not chosen; --env ${left[0]?.slice(4)} writes those`);
  const of = (value: unknown) => Object.entries((value ?? {}) as App).map(([key, one]) => [key, textOf(one)]);
  return Object.fromEntries([...of(app.env), ...(wanted === undefined ? [] : of(app[wanted]))]);
}
