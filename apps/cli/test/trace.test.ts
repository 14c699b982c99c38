/** `millrace trace`: the way of one session's messages, against a server of a program. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, until } from '@millrace/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { millrace } from './millrace.js';
import { portOf, programOf, start } from './support.js';

const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let directory = '';
let env: NodeJS.ProcessEnv = {};
let sockets: Socket[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-trace-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  rmSync(directory, { recursive: true, force: true });
});

/** A connection that is kept, and its session. */
async function connected(server: Program) {
  const socket = connect(await portOf(server), '127.0.0.1');
  sockets.push(socket);
  let answers = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answers += text;
  });
  const ask = async () => {
    answers = '';
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('an answer', () => answers.startsWith('HTTP/1.1 200'));
  };
  await ask();
  const [session] = JSON.parse((await millrace(['connections', '--json'], env)).stdout);
  return { socket, ask, session: session.session as number };
}

/** The command, which goes on. */
const tracing = (session: number, ...flags: string[]) =>
  new Program(MILLRACE, { args: ['trace', String(session), ...flags], env });

test('trace prints each step of a message with its time, and ends with the session', async () => {
  await using server = start(programOf('hello.cjs'), { flags: ['-w', '2'], env });
  const { socket, ask, session } = await connected(server);
  await using command = tracing(session);
  await command.printed(
    new RegExp(`^session ${session} of \\S+ \\d+, listener 0, worker:\\d, process mode$`, 'm'),
  );
  await command.printed(/^TIME +MSG +STEP +PROCESS +BYTES +SINCE$/m);
  await ask();
  const time = String.raw`^\d\d:\d\d:\d\d\.\d{6} +1 `;
  const since = String.raw` +[\d.]+(µs|ms|s)`;
  await command.printed(new RegExp(`${time} read +reactor:\\d+ +27B +-$`, 'm'));
  await command.printed(
    new RegExp(`${time} dispatched +reactor:\\d+ +27B${since} +request to worker:\\d$`, 'm'),
  );
  await command.printed(new RegExp(`${time} taken +worker:\\d +27B${since} +request$`, 'm'));
  await command.printed(new RegExp(`${time} answered +worker:\\d +\\d+B${since} +bytes$`, 'm'));
  await command.printed(
    new RegExp(`${time} collected +reactor:\\d+ +\\d+B${since} +bytes from worker:\\d$`, 'm'),
  );
  await command.printed(
    new RegExp(`${time} written +reactor:\\d+ +\\d+B${since} +[\\d.]+(µs|ms|s) in all$`, 'm'),
  );
  socket.destroy();
  await command.printed(new RegExp(`^Session ${session} is closed \\('peer'\\)\\.$`, 'm'));
  expect(await command.ended()).toMatchObject({ code: 0 });
});

test('trace ends after the time that it is given, with each event as a line of JSON', async () => {
  await using server = start(programOf('hello.cjs'), { env });
  const { session } = await connected(server);
  const { code, stdout, stderr } = await millrace(['trace', String(session), '--for', '0.5s', '--json'], env);
  expect([code, stderr]).toEqual([0, 'Nothing was sent or received in 0.5 s.\n']);
  const [first, ...others] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toMatchObject({ type: 'session', mode: 'process', connection: { session } });
  expect(others).toEqual([]);
});

test('trace of a session that is not open says so', async () => {
  await using server = start(programOf('hello.cjs'), { env });
  await portOf(server);
  const none = await millrace(['trace', '4711'], env);
  expect([none.code, none.stdout]).toEqual([1, '']);
  expect(none.stderr).toBe(
    'Session 4711 cannot be traced: no session with this id is open; /v1/connections tells which are open.\n',
  );
  expect((await millrace(['trace', 'x'], env)).code).toBe(2);
  expect((await millrace(['trace'], env)).code).toBe(2);
});

test('a trace whose admin process is killed says that it has broken off', async () => {
  await using server = start(programOf('hello.cjs'), { env });
  const { session } = await connected(server);
  await using command = tracing(session, '--json');
  await command.printed(/^\{"type":"session"/m);
  await millrace(['kill', 'admin'], env);
  await command.printed(/^The trace has broken off/m);
  expect(await command.ended()).toMatchObject({ code: 1 });
});

test('sessions are completed', async () => {
  await using server = start(programOf('hello.cjs'), { env });
  const { session } = await connected(server);
  expect((await millrace(['completion', '--list', 'sessions'], env)).stdout).toBe(`${session}\n`);
});
