/** The command `millrace`. Each subcommand loads what it needs when it is asked for: `--help` loads none. */
import { readFileSync } from 'node:fs';
import { MillraceError } from '@millrace/channel/errors';
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CommandError, EXIT } from './command-error.js';
import type { Shell } from './commands/completion.js';
import type { Listed } from './commands/completion-list.js';
import type { TasksFlags } from './commands/serve-tasks.js';
import type { Dispatch, StartFlags } from './config/flags.js';

const count = (text: string) => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('A whole number from 1 on is needed.');
  return Number(text);
};

const lines = (text: string) => {
  if (!/^\d{1,4}$|^10000$/.test(text))
    throw new InvalidArgumentError('A whole number from 0 to 10000 is needed.');
  return Number(text);
};

const port = (text: string) => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('A port is needed: 0 to 65535, 0 for a free one.');
  return Number(text);
};

const MODES = ['fixed', 'ip', 'least-connections', 'round-robin', 'idle', 'least-busy'];
const KEYS = ['query', 'header', 'cookie'];

/** A mode; or where in a request a value is, and its name. */
const dispatch = (text: string): Dispatch => {
  const [mode = '', key, ...more] = text.split(':');
  const isKnown = key === undefined ? MODES.includes(mode) : KEYS.includes(mode) && key !== '';
  if (isKnown && more.length === 0)
    return {
      dispatchMode: mode as NonNullable<Dispatch['dispatchMode']>,
      ...(key !== undefined && { dispatchKey: key }),
    };
  throw new InvalidArgumentError(`Allowed are ${MODES.join(', ')}, and ${KEYS.join(':NAME, ')}:NAME.`);
};

const command = new Command('millrace')
  .description('Runs Node servers behind a master that owns their clients.')
  .option('-V, --version', 'print the version')
  .on('option:version', printVersion)
  .enablePositionalOptions()
  .exitOverride()
  .addHelpText(
    'after',
    '\nA server is named by --name of its start, else by its entry module; where one runs, it need not be named.\n' +
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such server, 4 no answer, 5 another user's.",
  );

const JSON_FLAG = ['--json', 'data for programs, on standard output'] as const;

/** What a start can be told; `config` shows what that comes to. */
const withStartFlags = (one: Command): Command =>
  one
    .option(
      '-c, --config <path>',
      'options in a file; default: millrace.config.ts, .js, .mjs or .json beside the entry module, or here. Flags win over it',
    )
    .option('-w, --workers <n>', 'worker processes; default: as many as processors may be used', count)
    .option('--max-workers <n>', 'as many as it may be scaled to', count)
    .option('--reactors <n>', 'reactor threads, which hold the clients', count)
    .addOption(
      new Option('--mode <mode>', 'who holds the clients; default: process').choices(['process', 'base']),
    )
    .addOption(
      new Option(
        '--engine <engine>',
        'what reads the requests of servers of node:http; lean: @millrace/http, which leaves what is odd to node:http; default: node',
      ).choices(['node', 'lean']),
    )
    .addOption(
      new Option(
        '--dispatch <mode>',
        "which worker a connection gets: in turn (fixed), by the client's address (ip), the one with the fewest (least-connections); or each request: in turn (round-robin), the one with the least to do (least-busy, idle), by the value of a parameter, header or cookie (query:NAME, header:NAME, cookie:NAME)",
      ).argParser(dispatch),
    )
    .option(
      '-n, --name <name>',
      'what the server is found by, and what its processes are called; default: found by the name of its entry module',
    )
    .option('--watch', 'reload when a file of the program changes, or its configuration or variables')
    .option('-d, --daemonize', 'run in the background, once it serves')
    .option('--pid-file <path>', 'a file that has the pid of the master')
    .option('--log-file <path>', 'the log of the server, and of what the program writes')
    .addOption(
      new Option('--log-format <format>', 'how lines look; default: pretty on a terminal, else json').choices(
        ['json', 'pretty'],
      ),
    )
    .option(
      '--admin-port <port>',
      'a port for browsers and programs elsewhere, on 127.0.0.1; the token that it asks for is in MILLRACE_ADMIN_TOKEN',
      port,
    )
    .option('--admin-host <address>', 'another address for that port; what is sent there is not encrypted')
    .option(
      '--admin-token-file <path>',
      "the token in a file of this user's alone, in the place of the variable",
    )
    .option(
      '--raw-output',
      'leave what the program writes as it is, for one that draws on its terminal; default: lines of the log',
    )
    .addOption(
      new Option('--log-level <level>', 'lines of the server from this level on; default: info').choices([
        'trace',
        'debug',
        'info',
        'warn',
        'error',
        'fatal',
        'silent',
      ]),
    )
    .option('--env-file <path>', 'variables for the program, read at the start and at each reload')
    .option('--max-connections <n>', 'clients at once; one beyond them is closed', count)
    .option('--max-wait <ms>', 'milliseconds that a process has for what it began', count)
    .option(
      '--retry',
      'give a request that went down with its worker to another one, once, where its method allows that',
    )
    .option('--user <name>', 'the user that the program runs as')
    .option('--group <name>', 'its group');

const starting = withStartFlags(command.command('start'))
  .description('run a program that listens by itself, unchanged, in several workers')
  .argument('[entry]', 'its entry module, as for node; default: what the configuration file says')
  .argument('[args...]', 'arguments for the program')
  .passThroughOptions()
  .action(async (entry: string | undefined, args: string[], flags: StartFlags) => {
    // A server outlives what reads its output.
    process.stdout.off('error', outputLost);
    const { start } = await import('./start.js');
    if (entry !== undefined && args.length > 0)
      (await import('./whose-options.js')).sayWhoseOptions(starting.options, entry, args);
    await start(entry, args, flags);
  });

// What of these is not their own goes to `start`, which knows its options.
command
  .command('systemd')
  .description('print a unit of systemd for a program, complete, as it would be started')
  .usage('[--run-as <user>] [options of start] <entry> [args...]')
  .argument('[words...]', 'as behind start')
  .option(
    '--run-as <user>',
    'who runs it; default: this user, or one of its own (DynamicUser) where that is root',
  )
  .allowUnknownOption()
  .passThroughOptions()
  .action(async (words: string[], flags) =>
    (await import('./commands/deploy.js')).systemd(words, starting, flags),
  );

command
  .command('docker')
  .description('print a Dockerfile for a program, as it would be started, or what Kubernetes runs of it')
  .usage('[--kubernetes] [--port <port>] [--image <image>] [options of start] <entry> [args...]')
  .argument('[words...]', 'as behind start')
  .option('--kubernetes', 'a Deployment with probes, and a Service')
  .option('--port <port>', 'where the program listens', port, 3_000)
  .option('--image <image>', 'what the image is called; default: the name of the server')
  .allowUnknownOption()
  .passThroughOptions()
  .action(async (words: string[], flags) =>
    (await import('./commands/deploy.js')).docker(words, starting, flags),
  );

command
  .command('health')
  .description('say whether a server takes requests, by the exit code: for probes')
  .argument('[name]', 'the server')
  .option('--live', 'whether it lives, which a server that starts or ends does')
  .action(async (name: string | undefined, flags) =>
    (await import('./commands/health.js')).health(name, flags),
  );

withStartFlags(command.command('config'))
  .description('print the options that a start would have, and where each comes from')
  .argument('[entry]', 'the entry module of the program')
  .argument('[args...]', 'arguments for the program')
  .option(...JSON_FLAG)
  .action(async (entry: string | undefined, args: string[], flags: StartFlags & { readonly json?: true }) =>
    (await import('./commands/config.js')).config(entry, args, flags),
  );

command
  .command('status')
  .description('tell how a server is, once')
  .argument('[name]', 'the server')
  .option(...JSON_FLAG)
  .action(async (name: string | undefined, flags) =>
    (await import('./commands/status.js')).status(name, flags),
  );

command
  .command('top')
  .description('show a server live')
  .argument('[name]', 'the server')
  .action(async (name: string | undefined) => (await import('./commands/top.js')).top(name));

command
  .command('dashboard')
  .description('tell where a browser finds the page of a server')
  .argument('[name]', 'the server')
  .action(async (name: string | undefined) => (await import('./commands/dashboard.js')).dashboard(name));

command
  .command('connections')
  .description('list open connections')
  .argument('[name]', 'the server')
  .option('--limit <n>', 'at most so many', count, 100)
  .option(
    '--listener <listener>',
    'of that one alone: its port, path or address as it is listed, or its index',
  )
  .option(...JSON_FLAG)
  .action(async (name: string | undefined, flags) =>
    (await import('./commands/connections.js')).connections(name, flags),
  );

command
  .command('logs')
  .description('print the last lines of the log of a server, of all its processes')
  .argument('[name]', 'the server')
  .option('-f, --follow', 'and those that come, until it ends')
  .option('-p, --process <process>', 'of that process alone, as worker:2, or of that role')
  .addOption(
    new Option('-l, --level <level>', 'lines from this level on').choices([
      'trace',
      'debug',
      'info',
      'warn',
      'error',
      'fatal',
    ]),
  )
  .option('--lines <n>', 'so many of those that are there, from 0 to 10,000', lines, 100)
  .option(...JSON_FLAG)
  .action(async (name: string | undefined, flags) => (await import('./commands/logs.js')).logs(name, flags));

command
  .command('tasks')
  .description(
    'list tasks by name, how long they wait and run, and what each task worker runs; with --queue run the tasks of a module for callers on other machines',
  )
  .argument('[name]', 'the server; with --queue the module that exports tasks')
  .option(...JSON_FLAG)
  .option('--queue <address>', 'where callers ask for tasks: redis://host:6379 or nats://host:4222')
  .option('--name <name>', "the queue's name there; default: tasks")
  .option('--size <n>', 'task processes; default: as many as processors', count)
  .option('--concurrency <n>', 'tasks that each runs at once', count)
  .option('--grace <ms>', 'time for a cancelled task before its process is killed', count)
  .option('--drain <ms>', 'time for running tasks to end after SIGTERM; default: 30000', count)
  .action(async (name: string | undefined, { queue, json, ...flags }: TasksFlags) => {
    if (queue === undefined)
      return (await import('./commands/tasks.js')).tasks(name, { ...(json && { json }) });
    return (await import('./commands/serve-tasks.js')).serveTasks(name, { queue, ...flags });
  });

command
  .command('queues')
  .description('list what waits between the processes of a server')
  .argument('[name]', 'the server')
  .option(...JSON_FLAG)
  .action(async (name: string | undefined, flags) =>
    (await import('./commands/queues.js')).queues(name, flags),
  );

command
  .command('tables')
  .description("list the tables of a server's program")
  .argument('[name]', 'the server')
  .option(...JSON_FLAG)
  .action(async (name: string | undefined, flags) =>
    (await import('./commands/tables.js')).tables(name, flags),
  );

const segments = command
  .command('segments')
  .description('list shared memory and files of this user that outlive processes')
  .option(...JSON_FLAG)
  .action(async (flags) => (await import('./commands/segments.js')).segments(flags));
segments
  .command('clean')
  .description('remove what dead servers and programs have left; without --yes it tells what that is')
  .option('--yes', 'remove it')
  .option(...JSON_FLAG)
  .action(async (flags) => (await import('./commands/segments.js')).clean(flags));

command
  .command('reload')
  .description('put new processes in the places of the workers, without losing a client')
  .argument('[name]', 'the server')
  .option('--tasks', 'task workers alone')
  .option(...JSON_FLAG)
  .action(async (name: string | undefined, flags) =>
    (await import('./commands/reload.js')).reload(name, flags),
  );

command
  .command('scale')
  .description('have more or fewer workers or task workers, without losing a client or a message')
  .argument('<sizes...>', 'workers=4, tasks=2')
  .option('-n, --name <name>', 'the server')
  .option(...JSON_FLAG)
  .action(async (sizes: string[], flags) => (await import('./commands/scale.js')).scale(sizes, flags));

command
  .command('stop')
  .description('end a server in order, and wait for that')
  .argument('[name]', 'the server')
  .action(async (name: string | undefined) => (await import('./commands/stop.js')).stop(name));

command
  .command('restart')
  .description('stop a server that runs in the background, and start it as it was started')
  .argument('[name]', 'the server')
  .action(async (name: string | undefined) => (await import('./commands/restart.js')).restart(name));

command
  .command('kill')
  .description('send a signal to a process of a server, for drills')
  .argument('<process>', 'as status names it: worker:0, manager, admin')
  .option('-n, --name <name>', 'the server')
  .addOption(
    new Option('-s, --signal <signal>', 'which')
      .choices(['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGCONT'])
      .default('SIGKILL'),
  )
  .option(...JSON_FLAG)
  .action(async (wanted: string, flags) => (await import('./commands/kill.js')).kill(wanted, flags));

const seconds = (text: string) => {
  const [, number = ''] = /^(\d{1,3}(?:\.\d)?)s?$/.exec(text) ?? [];
  if (number === '' || Number(number) < 0.1 || Number(number) > 300)
    throw new InvalidArgumentError('Seconds are needed, from 0.1s to 300s.');
  return Number(number);
};

command
  .command('profile')
  .description('write a CPU profile, or the heap, of a process that runs to a file')
  .argument('<process>', 'as status names it: worker:0, task-worker:1, manager, master')
  .argument('[seconds]', 'of a CPU profile, as 10s', seconds, 10)
  .option('--heap', 'a snapshot of its heap; the process stands while that is written')
  .option('-o, --output <file>', 'default: a new file in this directory; -: standard output')
  .option('-n, --name <name>', 'the server')
  .option(...JSON_FLAG)
  .action(async (wanted: string, time: number, flags) =>
    (await import('./commands/profile.js')).profile(wanted, time, flags),
  );

command
  .command('trace')
  .description('follow the messages of one session from process to process, with times')
  .argument('<session>', 'its id, as connections shows it', count)
  .option('--for <seconds>', 'as 10s; default: until it is closed', seconds)
  .option('-n, --name <name>', 'the server')
  .option(...JSON_FLAG)
  .action(async (session: number, flags) => (await import('./commands/trace.js')).trace(session, flags));

command
  .command('inspect')
  .description('open the debugger of a process that runs')
  .argument('<process>', 'as status names it: worker:0, manager, master')
  .option('--close', 'close it again')
  .option('-n, --name <name>', 'the server')
  .option(...JSON_FLAG)
  .action(async (wanted: string, flags) => (await import('./commands/inspect.js')).inspect(wanted, flags));

command
  .command('doctor')
  .description('find limits of this machine that will hurt, each with the command that mends it')
  .argument('[name]', 'the server; none need run')
  .option(...JSON_FLAG)
  .action(async (name: string | undefined, flags) =>
    (await import('./commands/doctor.js')).doctor(name, flags),
  );

command
  .command('import')
  .description("write a configuration from pm2's file, and say what has no counterpart")
  .argument('<file>', 'as ecosystem.config.js')
  .option('--env <name>', 'with the variables of env_NAME')
  .option('--force', 'write over files that are there')
  .option(...JSON_FLAG)
  .action(async (file: string, flags) => (await import('./commands/import.js')).importEcosystem(file, flags));

command
  .command('completion')
  .description('print a script that completes this command in a shell')
  .addArgument(new Argument('[shell]', 'which').choices(['bash', 'zsh', 'fish']))
  .addOption(new Option('--list <names>').choices(['servers', 'processes', 'sessions']).hideHelp())
  .action(async (shell: Shell | undefined, { list }: { readonly list?: Listed }) => {
    if (list !== undefined) return (await import('./commands/completion-list.js')).listNames(list);
    if (shell === undefined) throw new CommandError('usage', 'Name the shell: bash, zsh or fish.');
    (await import('./commands/completion.js')).completion(command, shell);
  });

process.stdout.on('error', outputLost);

function printVersion(): never {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  console.log(version);
  throw new CommanderError(0, 'commander.version', version);
}

function outputLost(error: NodeJS.ErrnoException): never {
  // What reads it has seen enough, as `head` has.
  if (error.code === 'EPIPE') process.exit();
  console.error(`What it prints cannot be written: ${error.message}`);
  process.exit(EXIT.failed);
}

try {
  await command.parseAsync();
} catch (error) {
  process.exitCode = await exitCodeOf(error);
}

/** Says what has failed, where that has not been said, and returns what the command exits with. Throws what is a fault of ours. */
async function exitCodeOf(error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof CommandError) {
    console.error(error.message);
    return error.exitCode;
  }
  if (!(error instanceof MillraceError)) throw error;
  console.error((await import('@millrace/server/program')).failureText(error));
  return EXIT.failed;
}
