#!/usr/bin/env node
/** The command `millrace`. Each subcommand loads what it needs when it is asked for: `--help` loads none. */
import { MillraceError } from '@millrace/channel/errors';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { StartFlags } from './start.js';

const count = (text: string) => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('A whole number from 1 on is needed.');
  return Number(text);
};

const command = new Command('millrace')
  .description('Runs Node servers behind a master that owns their clients.')
  .enablePositionalOptions();

command
  .command('start')
  .description('run a program that listens by itself, unchanged, in several workers')
  .argument('<entry>', 'its entry module, as for node')
  .argument('[args...]', 'arguments for the program')
  .option('-w, --workers <n>', 'worker processes; default: as many as processors may be used', count)
  .option('--reactors <n>', 'reactor threads, which hold the clients', count)
  .addOption(
    new Option('--mode <mode>', 'who holds the clients').choices(['process', 'base']).default('process'),
  )
  .addOption(
    new Option(
      '--dispatch <mode>',
      "which worker a connection gets: in turn, by the client's address (Socket.IO by polling needs it), or the one with the fewest",
    ).choices(['fixed', 'ip', 'least-connections']),
  )
  .option('-n, --name <name>', 'what its processes are called', 'millrace')
  .option('-d, --daemonize', 'run in the background, once it serves')
  .option('--pid-file <path>', 'a file that has the pid of the master')
  .option('--log-file <path>', 'the log of the server; what the program writes is not in it')
  .addOption(
    new Option('--log-level <level>', 'lines of the server from this level on')
      .choices(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info'),
  )
  .option('--env-file <path>', 'variables for the program, read anew by each process')
  .option('--max-connections <n>', 'clients at once; one beyond them is closed', count)
  .option('--max-wait <ms>', 'milliseconds that a process has for what it began', count)
  .option('--user <name>', 'the user that the program runs as')
  .option('--group <name>', 'its group')
  .passThroughOptions()
  .action(async (entry: string, args: string[], flags: StartFlags) => {
    const { start } = await import('./start.js');
    await start(entry, args, flags);
  });

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof MillraceError)) throw error;
  const { cause } = error;
  if (cause instanceof Error) console.error(cause.stack ?? String(cause));
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
