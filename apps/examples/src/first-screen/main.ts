/**
 * The first screen of the README, made by what it shows: an Express program started unchanged, clients that ask it all the time, and
 * meanwhile `kill -9` of the process that has just answered, twice, and a reload.
 *
 *     node dist/first-screen/main.js [--write]     (--write: into the READMEs that show it)
 *
 * Ends with 1 when a client saw anything but an answer, or a 502 in place of one that a killed process had in hand.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startApp } from './app.js';
import { Load, Sight } from './load.js';
import { writeIntoPages } from './pages.js';

const PROGRAM = fileURLToPath(new URL('../../programs/app.js', import.meta.url));
const CONNECTIONS = 50;
const WORKERS = 2;
/** Milliseconds that are shown after each step, at least and at most. */
const LEAST_MS = 1_000;
const MOST_MS = 60_000;
const LOOK_MS = 20;

const lines: string[] = [];
const say = (line: string) => {
  lines.push(line);
  console.log(line);
};
const number = (value: number) => value.toLocaleString('en-US');

const app = await startApp(PROGRAM, WORKERS);
const load = new Load(app.port, CONNECTIONS);
const known = new Set<number>();
const total = new Sight();

/** What clients see until `fresh` processes that had not answered before have. */
async function watch(fresh: number): Promise<void> {
  const sight = new Sight();
  load.sight = sight;
  const start = performance.now();
  const appeared = () => [...sight.pids].filter((pid) => !known.has(pid));
  while (performance.now() < start + LEAST_MS || appeared().length < fresh) {
    if (performance.now() > start + MOST_MS)
      throw new Error(`Fewer than ${fresh} new processes have answered.`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const news = appeared();
  for (const pid of news) known.add(pid);
  current = sight.pids;
  total.answers += sight.answers;
  total.badGateway += sight.badGateway;
  total.lost += sight.lost;
  say(
    `    ${number(sight.answers)} answers 200, ${number(sight.badGateway)} answers 502; processes: ${news.length} new`,
  );
}

let current: ReadonlySet<number> = new Set();

async function killOne(): Promise<void> {
  // The one that appeared last is alive: the other may be the one that was killed.
  const pid = [...current].findLast((each) => isAlive(each)) as number;
  say(`$ kill -9 ${pid}                  # a process that has just answered`);
  process.kill(pid, 'SIGKILL');
  await watch(1);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

try {
  say('$ cat app.js');
  say(readFileSync(PROGRAM, 'utf8').trimEnd());
  say(`$ npx millrace start --workers ${WORKERS} app.js &`);
  say(`# In the other pane, ${CONNECTIONS} clients ask all the time, each on a connection that it keeps`);
  await watch(WORKERS);
  await killOne();
  await killOne();
  say(`$ kill -USR1 ${app.pid}               # a reload: new processes for all`);
  process.kill(app.pid, 'SIGUSR1');
  await watch(WORKERS);
} finally {
  load.stop();
  await app.stop();
}
const { answers, badGateway, lost } = total;
say(
  `# ${number(answers)} answers, ${number(badGateway)} times 502 for what a killed process had in hand, ${number(lost)} connections lost`,
);
if (lost > 0) process.exitCode = 1;
else if (process.argv.includes('--write')) writeIntoPages(lines.join('\n'));
