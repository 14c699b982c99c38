/**
 * With `MILLRACE_TEST_LOG=full` every server of the suites has its log on /dev/full, which refuses each line: all of them
 * hold there, but for the tests named here, which wait for what a line of the log says, or have a log of their own.
 */
import { beforeEach } from 'vitest';

/** Why not; files, and in each the beginnings of the names. */
const READERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'it waits for what a line of the log says': {
    'accepting-in-start': ['clients are served while a task worker still starts'],
    'admin-access': [
      'where it is optional',
      'takes a token for everything',
      'has its token in no command line',
      'takes the token from a file',
    ],
    askers: ['a stop waits for the tasks of user processes'],
    'bad-input': ['a flood of bad clients', 'a frame that announces too much', 'a line over the limit'],
    base: ['counters that a dead reactor has left'],
    descriptors: ['clients get no descriptor', 'files for clients that do not read'],
    dispatch: ['function: a module of the user decides'],
    ending: ['an upload under way', 'an answer under way', 'clients that ask one request after the other'],
    'fetch-handler': ['an object with a fetch handler'],
    'file-rights': ['a datagram goes to a unix socket with the rights'],
    'full-disk': ['a full taskTmpdir'],
    'group-signals': ['SIGHUP to the group', 'SIGTERM to the manager alone'],
    hanging: [
      'a worker that loops',
      'a task that loops',
      'a manager whose loop',
      'a manager that is stopped alone',
      'a user process whose loop',
      'without hangTimeout',
      'a worker that is stopped alone',
      'managerStart that',
      'workerStart that',
      'taskWorkerStart that',
      'start that',
      'entry that',
    ],
    'life-cycle': ['a beforeShutdown that does not', 'a second SIGTERM hurries'],
    limits: ['no more than maxConnections'],
    listeners: ['function: what a module', 'over udp'],
    'manager-handlers': ['handlers in the manager that fail'],
    memory: ['100 messages of 2 MiB', 'what the options add up to', 'where there is, one short line'],
    messages: ['a handler that sends on and on', 'a handler that fails'],
    'program-metrics': ['a name of the server’s is the server’s'],
    'remote-tasks': ['one without task workers asks those of another', 'an engine that is away at the start'],
    reload: [
      'G25 workers that hang',
      'what is left of the loop',
      'a version that throws',
      'nobody waits for ever for a reload',
      'of two reloads that the master',
      'reloads asked for while the manager',
    ],
    scale: [
      'what a worker was sent before it goes',
      'a worker that is killed while it goes',
      'a manager that is killed over it',
      'a server that ends over it',
    ],
    'second-signal': ['a third signal'],
    'served-retries': ['a request that ends whatever takes it'],
    'service-manager': ['and when it is gone'],
    'request-death': ['a request in hand is answered 502'],
    resuming: ['is closed with 1012', 'is closed with 1011'],
    retiring: [
      'gets the results of its tasks',
      'gives its place to the process after',
      'is waited for by the next reload',
    ],
    rogue: [
      'a worker that writes over',
      'counters that a worker writes over',
      'a worker that posts nonsense',
      'a worker that says to the manager',
      'a worker whose control pipe carries',
      '(',
    ],
    'rogue-tasks': ['claims that a worker writes over', 'what a worker writes over the rings'],
    shutdown: ['what else keeps the master alive'],
    surroundings: ['below another root directory', 'chroot comes before'],
    'task-queue': ['G34 runs what another', 'what others post', 'a full queue holds'],
    tls: ['costs a line', 'are read anew', 'of clients are asked'],
    topics: ['a subscriber that fails is logged'],
    'worker-handlers': ['a handler of finish that fails'],
    standby: ['the end of a killed worker is said'],
  },
  'its log is to be on standard output': {
    'log-lines': ['a line has', 'lines are readable'],
    'program-output': ['arrives', 'of a logger', 'is limited', 'is all there', 'goes on'],
    'rogue-output': ['costs neither its own lines', 'leaves no descriptor', 'keeps nobody waiting'],
    log: ['a pipe,', 'a socket', 'what a handler throws'],
  },
};

beforeEach(({ task, skip }) => {
  if (process.env.MILLRACE_TEST_LOG !== 'full') return;
  for (const [why, files] of Object.entries(READERS))
    for (const [file, names] of Object.entries(files))
      if (task.file.name.endsWith(`/${file}.test.ts`) && names.some((name) => task.name.startsWith(name)))
        skip(why);
});
