import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { asOtherUser, canBeOthers, isRunning, OTHER_USER, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { AdminServer, ask } from './admin-client.js';

const TOKEN = '0123456789abcdef-the-token';

describe('the socket of the admin interface', () => {
  test('is for its user alone, in a directory for its user alone, and gone with the server', async () => {
    await using server = await AdminServer.started();
    const run = join(server.directory, 'run');
    expect((statSync(run).mode & 0o777).toString(8)).toBe('700');
    expect((statSync(server.socketPath).mode & 0o777).toString(8)).toBe('600');
    await server.post('/v1/stop');
    await server.program.ended();
    expect(readdirSync(run)).toEqual([]);
  });

  test.runIf(canBeOthers)('lets no other user in, also where that one may come to it', async () => {
    await using server = await AdminServer.started();
    chmodSync(server.directory, 0o755);
    chmodSync(join(server.directory, 'run'), 0o755);
    const other = await asOtherUser(TRY_TO_CONNECT, [server.socketPath]);
    await other.stop();
    expect((await server.get('/v1/status')).status).toBe(200);
  });

  test.runIf(canBeOthers)(
    'is not made in a directory that another user has made, or that others may enter',
    async () => {
      for (const [make, words] of [
        ['os.mkdir(path, 0o700)', `belongs to user ${OTHER_USER}`],
        ['os.symlink("/tmp", path)', 'is no directory'],
      ] as const) {
        await using server = new AdminServer();
        const path = join(server.directory, 'foreign');
        chmodSync(server.directory, 0o1777);
        const other = await asOtherUser(
          `import os, sys\npath = sys.argv[1]\n${make}\nprint("ready")\nsys.stdin.read()`,
          [path],
        );
        await using second = new AdminServer({}, { MILLRACE_RUNTIME_DIR: path });
        expect(await second.program.ended()).toEqual({ code: 1, signal: null });
        expect(second.program.output).toContain(words);
        await other.stop();
      }
      await using server = new AdminServer();
      const open = join(server.directory, 'open');
      mkdirSync(open);
      chmodSync(open, 0o750);
      await using second = new AdminServer({}, { MILLRACE_RUNTIME_DIR: open });
      expect(await second.program.ended()).toEqual({ code: 1, signal: null });
      expect(second.program.output).toContain('can be entered or read by others (mode 750, not 700)');
    },
  );

  test('a second server of its name is refused with the pid of the first, and takes over from one that was killed', async () => {
    await using first = await AdminServer.started();
    const env = { MILLRACE_RUNTIME_DIR: join(first.directory, 'run') };
    await using second = new AdminServer({}, env);
    expect(await second.program.ended()).toEqual({ code: 1, signal: null });
    expect(second.program.output).toContain('ERR_MILLRACE_NAME_TAKEN');
    expect(second.program.output).toContain(
      `A server with the name 'test' runs already: process ${first.program.pid}.`,
    );
    expect((await first.get('/v1/status')).body.pid).toBe(first.program.pid);
    const { pid: admin } = await first.process('admin');
    first.program.kill('SIGKILL');
    await first.program.ended();
    await until('the end of its admin process', () => !isRunning(admin));
    expect(existsSync(first.socketPath)).toBe(true);
    await using third = await AdminServer.started({}, env);
    const { body } = await ask({ socketPath: first.socketPath }, '/v1/status');
    expect(body.pid).toBe(third.program.pid);
  });

  test('where it is optional, a server whose name is taken gets a number, and one without a place runs without it', async () => {
    await using first = await AdminServer.started();
    const run = join(first.directory, 'run');
    const admin = { name: 'test', optional: true };
    await using second = await AdminServer.started({ admin }, { MILLRACE_RUNTIME_DIR: run });
    const { body } = await ask({ socketPath: join(run, 'test-2.sock') }, '/v1/status');
    expect(body).toMatchObject({ name: 'test-2', pid: second.program.pid });
    await using third = await AdminServer.started({ admin }, { MILLRACE_RUNTIME_DIR: '/proc/none' });
    await third.program.printed(/the server runs without an admin interface/);
    third.program.kill('SIGTERM');
    expect(await third.program.ended()).toEqual({ code: 0, signal: null });
  });
});

describe('the admin interface over TCP', () => {
  const started = async (env: NodeJS.ProcessEnv, admin = {}) => {
    const server = await AdminServer.started({ admin: { name: 'test', port: 0, ...admin } }, env);
    const [, port] = await server.program.printed(/"host":"127\.0\.0\.1","port":(\d+)/);
    return { server, where: { host: '127.0.0.1', port: Number(port) } };
  };

  test('takes a token for everything but the probes, and tells a stranger nothing', async () => {
    const { server, where } = await started({ MILLRACE_ADMIN_TOKEN: TOKEN });
    await using _ = server;
    for (const authorization of [
      undefined,
      TOKEN,
      'Bearer',
      'Bearer wrong',
      `Bearer ${TOKEN}x`,
      `Basic ${TOKEN}`,
    ])
      for (const path of ['/v1/status', '/v1/openapi.json', '/v1/events', '/metrics', '/nothing']) {
        const headers = authorization === undefined ? {} : { authorization };
        const got = await ask(where, path, { headers });
        expect([path, authorization, got.status, got.headers['www-authenticate']]).toEqual([
          path,
          authorization,
          401,
          'Bearer',
        ]);
      }
    const stop = await ask(where, '/v1/stop', { method: 'POST' });
    expect(stop.status).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await ask(where, '/v1/status', { headers })).body.pid).toBe(server.program.pid);
    expect((await ask(where, '/health/ready')).body).toEqual({ state: 'ready' });
  });

  test('has its token in no command line, log, or process below the master', async () => {
    const { server } = await started({ MILLRACE_ADMIN_TOKEN: TOKEN }, {});
    await using _ = server;
    const below = server.program.children().map(({ pid }) => pid);
    expect(below.length).toBeGreaterThanOrEqual(4);
    for (const pid of [server.program.pid, ...below])
      expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(TOKEN);
    for (const pid of below) expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain(TOKEN);
    expect(server.program.output).not.toContain('the token is in the environment');
    expect(server.program.output).not.toContain(TOKEN);
  });

  test('takes the token from a file that no other user may read', async () => {
    const { server } = await started({ MILLRACE_ADMIN_TOKEN: TOKEN });
    await using _ = server;
    const file = join(server.directory, 'token');
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o644 });
    await using refused = new AdminServer({ admin: { name: 'test', port: 0, tokenFile: file } });
    expect(await refused.program.ended()).toEqual({ code: 1, signal: null });
    expect(refused.program.output).toContain('other users may read it (mode 644)');
    chmodSync(file, 0o600);
    const second = await started({}, { tokenFile: file });
    await using __ = second.server;
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await ask(second.where, '/v1/status', { headers })).status).toBe(200);
  });

  test('does not start without a token, or with one that can be guessed', async () => {
    for (const [env, words] of [
      [{}, 'the variable MILLRACE_ADMIN_TOKEN has none'],
      [{ MILLRACE_ADMIN_TOKEN: 'short' }, 'has 5 characters, which can be guessed'],
    ] as const) {
      await using server = new AdminServer({ admin: { name: 'test', port: 0 } }, env);
      expect(await server.program.ended()).toEqual({ code: 1, signal: null });
      expect(server.program.output).toContain(words);
    }
  });
});

const TRY_TO_CONNECT = `
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except PermissionError:
    print("ready")
    sys.stdin.read()
`;
