import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BoundDatagram, Listener } from '@millrace/reactor';
import { TestClient, until, within } from '@millrace/testkit';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createServer, type PortOptions } from '../../src/index.js';
import { fixture, inMode } from '../support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-inherited-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Started {
  readonly process: ChildProcess;
  readonly output: () => string;
}

/** Starts the fixture as systemd would: with `sockets` from descriptor 3 on, and for its pid where there are `names`. */
function start(ports: readonly PortOptions[], sockets: readonly number[], names?: string): Started {
  const file = fileURLToPath(fixture('inherited'));
  const options = JSON.stringify(inMode({}));
  const listen =
    names === undefined ? '' : `LISTEN_PID=$$ LISTEN_FDS=${sockets.length} LISTEN_FDNAMES=${names} `;
  const child = spawn(
    '/bin/sh',
    ['-c', `${listen}exec "$0" "$@"`, process.execPath, file, JSON.stringify(ports), options],
    {
      stdio: ['ignore', 'pipe', 'pipe', ...sockets],
      env: { ...process.env, MILLRACE_PROGRAM_OUTPUT: 'raw' },
    },
  );
  onTestFinished(async () => {
    // The master; what is below ends with it.
    if (child.exitCode === null) child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  return { process: child, output: () => text };
}

const printed = ({ output }: Started, pattern: RegExp) =>
  until(`${pattern}`, () => output().match(pattern) ?? undefined);

test('sockets that are handed over are served, by name or descriptor; what began before they were is answered', async () => {
  const tcp = new Listener({ host: '127.0.0.1', port: 0 });
  const path = join(directory, 'stream');
  const unix = new Listener({ path });
  const udp = new BoundDatagram({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => {
    for (const socket of [tcp, unix, udp]) socket.close();
  });
  // Before the program runs: the kernel keeps it.
  const early = await TestClient.connect(tcp.address.port);
  early.send('hello\n');
  const ports: PortOptions[] = [
    { activation: 'web' },
    { fd: 4 },
    { type: 'datagram', activation: 'datagrams' },
  ];
  const server = start(ports, [tcp.fd, unix.fd, udp.fd], 'web:ignored:datagrams');
  const { port } = tcp.address;
  await printed(server, new RegExp(`listening ${port} 0 `));
  // The children do not take them for theirs.
  expect(await early.line()).toBe(`0 tcp ${port} undefined`);
  early.close();
  const local = connect(path);
  onTestFinished(() => void local.destroy());
  local.write('hello\n');
  const [answer] = await within('an answer', once(local, 'data'));
  expect(String(answer)).toBe('1 unix 0 undefined\n');
  const client = createSocket('udp4');
  onTestFinished(() => void client.close());
  const answers: string[] = [];
  client.on('message', (message) => answers.push(String(message)));
  const target = (udp.address as { port: number }).port;
  await until('an answer', () => {
    client.send('hello', target, '127.0.0.1');
    return answers.length > 0;
  });
  expect(answers[0]).toBe('2 hello');
  server.process.kill('SIGTERM');
  expect(await within('the end', once(server.process, 'exit'))).toEqual([0, null]);
  // Whoever made the socket has it still, and its file.
  expect(existsSync(path)).toBe(true);
});

test('what was not handed over, or is something else, is an error that says what there was', async () => {
  const udp = new BoundDatagram({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => udp.close());
  const [missing, nobody, wrong] = [
    start([{ activation: 'web' }], [udp.fd], 'other'),
    start([{ activation: 'web' }], []),
    start([{ fd: 3 }], [udp.fd]),
  ] as const;
  await printed(
    missing,
    /failed ERR_MILLRACE_LISTEN No socket, or no further one, has been handed over under the name 'web'.*LISTEN_FDS is 1.*'other'/,
  );
  await printed(nobody, /failed ERR_MILLRACE_LISTEN .*LISTEN_FDS is not set/);
  await printed(wrong, /failed ERR_MILLRACE_LISTEN .*Descriptor 3 is a datagram socket, not a stream socket/);
});

test('a listener has one place', () => {
  expect(() => createServer({ port: 0, fd: 3 })).toThrow("'fd' or 'activation'");
  expect(() => createServer({ fd: 2 })).toThrow("'fd' cannot be 2");
});
