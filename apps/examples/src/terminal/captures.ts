/**
 * What the command shows of a server under load, as a terminal of 80 x 24 has it, for the documentation: `npm run docs:captures`. The
 * terminal is tmux's.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, until } from '@millrace/testkit';

const PAGE = fileURLToPath(new URL('../../../../docs/terminal.md', import.meta.url));
const MILLRACE = join(
  dirname(createRequire(import.meta.url).resolve('millrace/package.json')),
  'bin/millrace.js',
);
const CLIENTS = 60;
const LINE = 'the quick brown fox jumps over the lazy dog\n';
const EVERY_MS = 50;
const LOAD_MS = 8_000;
/** The messages of a client that is traced: so far apart that a screen holds the first ones. */
const TRACED_EVERY_MS = 1_000;
/** Two messages, each up to its answer. */
const TWO_ANSWERS = /^.* written .*$[\s\S]*^.* written .*$/m;
/** Of a worker the messages of a second are more than none. */
const SECOND_SAMPLE = /^ worker:0 .* [1-9]\d*$/m;

const directory = mkdtempSync(join(tmpdir(), 'millrace-captures-'));
const env = {
  ...process.env,
  MILLRACE_RUNTIME_DIR: join(directory, 'run'),
  MILLRACE_ADMIN_TOKEN: 'a-token-for-the-captures',
  NO_COLOR: '1',
};
/** A server of tmux for each: one that ends takes a moment for that. */
const tmux = (socket: string, ...args: string[]) =>
  execFileSync('tmux', ['-S', join(directory, socket), '-f', '/dev/null', ...args], {
    env,
    encoding: 'utf8',
  });

/** What the screen shows once it shows what is expected. */
async function capture(words: readonly string[], expected: string | RegExp): Promise<string> {
  const socket = `tmux-${words.join('-')}`;
  tmux(
    socket,
    'new-session',
    '-d',
    '-x',
    '80',
    '-y',
    '24',
    `"${process.execPath}" "${MILLRACE}" ${words.join(' ')}; sleep 60`,
  );
  try {
    let screen = '';
    await until(`${words.join(' ')} to show '${expected}'`, () => {
      screen = tmux(socket, 'capture-pane', '-p');
      return typeof expected === 'string' ? screen.includes(expected) : expected.test(screen);
    });
    return screen
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd();
  } finally {
    tmux(socket, 'kill-server');
  }
}

function putUnderLoad(port: number): () => void {
  const clients: Socket[] = Array.from({ length: CLIENTS }, () => {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => {}).resume();
    return client;
  });
  const timer = setInterval(() => {
    for (const client of clients) client.write(LINE);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    for (const client of clients) client.destroy();
  };
}

/** What becomes of the messages of one client. */
async function captureTrace(port: number): Promise<readonly [command: string, screen: string]> {
  const client = connect(port, '127.0.0.1')
    .on('error', () => {})
    .resume();
  const timer = setInterval(() => client.write(LINE), TRACED_EVERY_MS);
  try {
    const session = await until('its session', () => lastSession());
    const words = ['trace', String(session)];
    return [words.join(' '), await capture(words, TWO_ANSWERS)];
  } finally {
    clearInterval(timer);
    client.destroy();
  }
}

function lastSession(): number | undefined {
  const args = [MILLRACE, 'connections', '--limit', '1000', '--json'];
  const printed = execFileSync(process.execPath, args, { env, encoding: 'utf8' });
  const connections = JSON.parse(printed) as readonly { readonly session: number }[];
  return connections.length === 1 ? connections[0]?.session : undefined;
}

const program = new Program(new URL('../dashboard/shop.js', import.meta.url), { env });
try {
  const [, port] = await program.printed(/^listening on (\d+)/m);
  const stop = putUnderLoad(Number(port));
  const since = performance.now();
  await until('some load', () => performance.now() - since > LOAD_MS);
  const commands = [
    ['status', 'admin'],
    ['tasks', 'task-worker:2'],
    ['queues', 'clients'],
    ['tables', 'visits'],
  ] as const;
  const blocks: string[] = [];
  for (const [command, expected] of commands)
    blocks.push(`\`\`\`console\n$ millrace ${command}\n${await capture([command], expected)}\n\`\`\``);
  const top = await capture(['top'], SECOND_SAMPLE);
  stop();
  const [traced, steps] = await captureTrace(Number(port));
  writeFileSync(
    PAGE,
    `# The command in a terminal

A server of 6 workers and 3 task workers with ${CLIENTS} clients, in a terminal of 80 × 24 without colours. \`npm run docs:captures\` makes this page.

${blocks.join('\n\n')}

What becomes of the messages of one session, each of which a task worker counts:

\`\`\`console
$ millrace ${traced}
${steps}
\`\`\`

\`millrace top\`, which \`q\` ends:

\`\`\`
${top}
\`\`\`
`,
  );
  console.log('docs/terminal.md');
} finally {
  await program[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}
