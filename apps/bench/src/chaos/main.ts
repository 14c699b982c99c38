/**
 * `npm run chaos -- [MINUTES]`: a server under load, one of its workers or task workers killed every 200 ms. Prints
 * figures, and ends with 1 when something did not hold that must (verdict.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { startModule } from '../child.js';
import { ClientProcess } from '../load/client-process.js';
import { openDescriptors, processTree, residentBytes, titleOf } from '../load/processor-time.js';
import { rest } from '../load/rest.js';
import { report } from './report.js';
import { type Outcome, violations } from './verdict.js';
import { victim } from './victims.js';

const MINUTES = 5;
const MS_PER_MINUTE = 60_000;
const KILL_MS = 200;
const SAMPLE_MS = 1_000;
const CONNECTIONS = 50;
const TASK_CONNECTIONS = 20;
/** Of a message. */
const BYTES = 64;
/** Milliseconds for the server to have all its processes again, and for what is overdue to be known as lost. */
const RECOVERY_MS = 30_000;
const LOOK_MS = 100;
/** Milliseconds that starting and ending take beside the run, at most. */
const AROUND_MS = 2 * MS_PER_MINUTE;

type Told = { readonly ports: readonly [number, number] } | { readonly failed: 1 };

async function chaos(minutes: number): Promise<Outcome> {
  const deadline = minutes * MS_PER_MINUTE + AROUND_MS;
  const server = startModule(new URL('./server.js', import.meta.url), [], { deadline });
  const clients: ClientProcess[] = [];
  try {
    const first = await server.next<Told>();
    if (!('ports' in first)) throw new Error('The server tells of a failed task before it has started.');
    let failedTasks = 0;
    const counting = server.each<Told>((told) => {
      if ('failed' in told) failedTasks++;
    });
    await rest(server.pid);
    const processesBefore = processTree(server.pid).length;
    const [echo, tasks] = [CONNECTIONS, TASK_CONNECTIONS].map(
      (connections, i) => new ClientProcess(first.ports[i] as number, connections, BYTES, deadline),
    ) as [ClientProcess, ClientProcess];
    clients.push(echo, tasks);
    for (const client of clients) await client.ready();
    // A connection is one for its client before the server has accepted it.
    await rest(server.pid);
    const descriptorsBefore = openDescriptors(server.pid);
    const memory: number[] = [];
    const sampling = setInterval(() => memory.push(residentBytes(server.pid)), SAMPLE_MS);
    const kills = { worker: 0, taskWorker: 0 };
    const end = performance.now() + minutes * MS_PER_MINUTE;
    for (const client of clients) client.begin();
    while (performance.now() < end) {
      await sleep(KILL_MS);
      const found = victim(processTree(server.pid).map(({ pid }) => ({ pid, title: titleOf(pid) })));
      if (found === undefined || !kill(found.pid)) continue;
      kills[found.kind]++;
    }
    clearInterval(sampling);
    const processesAfter = await recovered(server.pid, processesBefore);
    const seen = [await echo.report(), await tasks.report()] as const;
    const descriptorsAfter = openDescriptors(server.pid);
    for (const client of clients) await client.end();
    await server.stop();
    await counting;
    return {
      workerKills: kills.worker,
      taskWorkerKills: kills.taskWorker,
      taskConnections: TASK_CONNECTIONS,
      answers: seen[0].answers + seen[1].answers,
      lostEchoes: seen[0].lost,
      lostTasks: seen[1].lost,
      failedTasks,
      closed: seen[0].closed + seen[1].closed,
      slowest: seen[0].slowest,
      processesBefore,
      processesAfter,
      descriptorsBefore,
      descriptorsAfter,
      memory,
    };
  } finally {
    for (const client of clients) await client.end();
    await server.stop();
  }
}

/** False when it has ended by itself. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Waits until there are as many processes as before, and then for what is under way; returns how many there are. */
async function recovered(root: number, wanted: number): Promise<number> {
  const end = performance.now() + RECOVERY_MS;
  while (processTree(root).length !== wanted && performance.now() < end) await sleep(LOOK_MS);
  await sleep(2 * SAMPLE_MS);
  return processTree(root).length;
}

const program = new Command('npm run chaos --')
  .argument('[minutes]', 'how long processes are killed', Number, MINUTES)
  .action(async (minutes: number) => {
    if (!(minutes > 0)) throw new RangeError(`The minutes must be a number above 0, not ${minutes}.`);
    const outcome = await chaos(minutes);
    console.log(report(minutes, outcome));
    const violated = violations(outcome);
    for (const sentence of violated) console.log(`VIOLATED: ${sentence}`);
    if (violated.length > 0) process.exitCode = 1;
    else console.log('Everything held.');
  });

await program.parseAsync();
