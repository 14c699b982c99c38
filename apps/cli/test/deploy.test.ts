import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, until } from '@millrace/testkit';
import { validate } from 'dockerfile-utils';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { Service } from 'kubernetes-models/v1/Service';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { millrace, type Ran } from './millrace.js';
import { get, portOf, programOf, start } from './support.js';

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-deploy-'));
  env = { MILLRACE_RUNTIME_DIR: join(directory, 'run') };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Ran> => millrace(args, env);
const DOCUMENT = readFileSync(
  fileURLToPath(new URL('../../../docs/service-managers.md', import.meta.url)),
  'utf8',
);
/** The block of the document that begins with that line. */
const shown = (first: string): string =>
  [...DOCUMENT.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)]
    .map(([, text = '']) => text)
    .find((text) => text.startsWith(first)) ?? '';

const analyze = spawnSync('systemd-analyze', ['--version']);
const whyNot = analyze.error === undefined ? undefined : 'systemd-analyze is not installed (Debian: systemd)';

describe('a unit of systemd', () => {
  test('is complete: systemd has nothing to say against it', async ({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
    const { code, stdout } = await run(
      'systemd',
      '--workers',
      '2',
      programOf('hello.cjs'),
      'a b',
      '100%',
      '$HOME',
    );
    expect(code).toBe(0);
    const file = join(directory, 'hello.service');
    writeFileSync(file, stdout);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const mended = stdout.replace('Type=notify', 'Type=nothing');
    writeFileSync(file, mended);
    expect(spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' }).stderr).toContain(
      'service type',
    );
  });

  test('starts the program as it was named, and follows the options of start', async () => {
    const words = [
      '--name',
      'shop',
      '--max-wait',
      '60000',
      '--max-connections',
      '100000',
      programOf('hello.cjs'),
    ];
    const { stdout } = await run('systemd', '--run-as', 'www', ...words, 'a b', '100%', '$HOME');
    expect(stdout).toMatch(
      /^ExecStart=\S+ \S+\/bin\/millrace\.js start --name shop .*hello\.cjs "a b" 100%% \$\$HOME$/m,
    );
    expect(stdout).toMatch(/^ExecReload=\S+ \S+\/bin\/millrace\.js reload shop$/m);
    for (const line of ['User=www', 'TimeoutStopSec=190', 'LimitNOFILE=201024', 'RuntimeDirectory=shop'])
      expect(stdout.split('\n')).toContain(line);
    expect(stdout).not.toContain('DynamicUser');
  });

  test('is refused where start would be, in a line', async () => {
    for (const [words, why] of [
      [[], 'The entry module is missing'],
      [['--wrong', 'a.js'], 'no option --wrong'],
      [['/no/such.js'], 'There is no program /no/such.js'],
      [['-d', programOf('hello.cjs')], 'leave --daemonize out'],
      [['--workers', 'x', 'a.js'], 'A whole number from 1 on is needed'],
      [['--name', '../a b', programOf('hello.cjs')], '"../a b" is no name of a server'],
      [['--name', 'a\nExecStartPre=b', programOf('hello.cjs')], 'is no name of a server'],
      [['--run-as', 'a\nExecStartPre=b', programOf('hello.cjs')], 'cannot hold the user'],
    ] as const) {
      const { code, stdout, stderr } = await run('systemd', ...words);
      expect([code === 0, stdout]).toEqual([false, '']);
      expect(stderr).toContain(why);
      expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(5);
    }
  });
});

test('no name of a directory or file writes a line of its own into a unit or a Dockerfile', async () => {
  for (const name of ['a\nExecStartPre=b', 'a ', 'a\\']) {
    const place = join(directory, name);
    mkdirSync(place);
    writeFileSync(join(place, 'app.js'), '');
    const { code, stdout, stderr } = await millrace(['systemd', 'app.js'], env, place);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('cannot hold the working directory');
  }
  const file = 'a\nRUN b.js';
  writeFileSync(join(directory, file), '');
  const { code, stdout } = await millrace(['docker', file], env, directory);
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/^RUN b/m);
});

describe('of a container', () => {
  test('the Dockerfile is one', async () => {
    const { code, stdout } = await run(
      'docker',
      '--port',
      '8080',
      '--workers',
      '2',
      programOf('hello.cjs'),
      'a b',
    );
    expect(code).toBe(0);
    expect(validate(stdout)).toEqual([]);
    expect(validate(stdout.replace('WORKDIR', 'WORKDIRECTORY'))).not.toEqual([]);
    expect(stdout).toMatch(/^EXPOSE 8080$/m);
    expect(stdout).toMatch(
      /^ENTRYPOINT \["node", .*"start", "--name", "hello", "--workers", "2", ".*hello\.cjs", "a b"\]$/m,
    );
  });

  test('the names in a manifest are such of Kubernetes, whatever the server is called', async () => {
    for (const [name, label] of [
      ['Shop_2', 'shop-2'],
      ['1st', 'app-1st'],
      [`${'x'.repeat(62)}.y`, 'x'.repeat(62)],
    ] as const) {
      const { code, stdout } = await run('docker', '--kubernetes', '--name', name, programOf('hello.cjs'));
      expect(code).toBe(0);
      const [deployment, service] = parseAllDocuments(stdout).map((one) => one.toJS());
      expect([deployment.metadata.name, service.metadata.name]).toEqual([label, label]);
      expect(deployment.spec.template.spec.containers[0].image).toBe(`${name.toLowerCase()}:latest`);
    }
  });

  test('the manifest is what Kubernetes takes', async () => {
    const { stdout } = await run(
      'docker',
      '--kubernetes',
      '--image',
      'shop:2',
      '--max-wait',
      '20000',
      programOf('hello.cjs'),
    );
    const documents = parseAllDocuments(stdout);
    expect(documents.flatMap((document) => ('errors' in document ? document.errors : []))).toEqual([]);
    const [deployment, service] = documents.map((document) => document.toJSON());
    new Deployment(deployment).validate();
    new Service(service).validate();
    expect(() => new Deployment({ ...deployment, spec: { replicas: 'two' } }).validate()).toThrow();
    expect(deployment.spec.template.spec).toMatchObject({
      terminationGracePeriodSeconds: 70,
      containers: [{ image: 'shop:2' }],
    });
  });

  test('and all of them are in the documentation as they are printed', async () => {
    for (const [words, first] of [
      [['systemd', '--run-as', 'www'], '# /etc/systemd/system/'],
      [['docker'], '# syntax=docker'],
      [['docker', '--kubernetes'], '# Written by millrace docker --kubernetes'],
    ] as const) {
      const { stdout } = await millrace(
        [...words, '--name', 'shop', 'app.cjs'],
        env,
        fileURLToPath(new URL('programs/shop', import.meta.url)),
      );
      // Where it lies is each machine's own.
      const plain = stdout
        .replaceAll(
          /^(Exec\w+=)\S+ \S+millrace\.js/gm,
          '$1/usr/bin/node /srv/shop/node_modules/millrace/bin/millrace.js',
        )
        .replace(/^WorkingDirectory=.*$/m, 'WorkingDirectory=/srv/shop')
        .replaceAll(/node:\d+-slim/g, 'node:24-slim');
      expect(shown(first)).toBe(plain);
    }
  });
});

describe('a probe', () => {
  test('tells by its exit code whether a server takes requests, and whether it lives', async () => {
    await using program = start(programOf('hello.cjs'), { flags: ['--workers', '1'], env });
    await portOf(program);
    expect(await run('health')).toEqual({ code: 0, stdout: 'ready\n', stderr: '' });
    const { processTable } = JSON.parse((await run('status', '--json')).stdout);
    const { pid } = processTable.find(({ name }: { name: string }) => name === 'worker:0');
    process.kill(pid, 'SIGSTOP');
    await until('no worker', async () => (await run('health')).code === 1);
    expect(await run('health')).toMatchObject({
      stdout: 'degraded\n',
      stderr: "The server 'hello' is degraded.\n",
    });
    expect((await run('health', '--live')).code).toBe(0);
    process.kill(pid, 'SIGCONT');
    await until('a worker', async () => (await run('health')).code === 0);
    expect((await run('health', 'other')).code).toBe(3);
  });
});

/** The processes of a program that was started in a namespace of its own, by their titles. */
const pidIn = (program: Program, title: string): Promise<number> =>
  until(title, () => program.children().find((info) => info.title === title)?.pid);

const ALONE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const whyNotAlone =
  spawnSync(ALONE[0] as string, [...ALONE.slice(1), 'true']).status === 0
    ? undefined
    : 'no namespaces of processes here';

describe('as process 1 of a container', () => {
  test('it waits for processes that others have left behind, and ends in order with what is under way', async ({
    skip,
  }) => {
    if (whyNotAlone !== undefined) skip(whyNotAlone);
    await using program = start(programOf('slow.cjs'), {
      flags: ['--workers', '1', '--max-wait', '20000'],
      env,
      through: ALONE,
    });
    const port = await portOf(program);
    const master = await pidIn(program, 'millrace: master');
    expect(readFileSync(`/proc/${master}/status`, 'utf8')).toMatch(/^NSpid:\t\d+\t1$/m);
    await get(port, '/orphan');
    const worker = await pidIn(program, 'millrace: worker 0');
    const left = await until('the process that is left', () =>
      childrenOf(master).find((pid) => commandOf(pid) === 'sh'),
    );
    process.kill(worker, 'SIGUSR2');
    await until('its end, of which nothing stays', () => !readdirSync('/proc').includes(`${left}`));
    const answer = get(port, '/wait');
    await program.printed(/^waits \d+$/m);
    process.kill(master, 'SIGTERM');
    await until('that it ends', () => /shutting down/.test(program.output));
    process.kill(worker, 'SIGCONT');
    expect(await answer).toBe('waited');
    expect((await program.ended()).code).toBe(0);
  });
});

test('SIGTERM to all processes at once, as systemd and timeout send it, loses no request that was accepted', async () => {
  await using program = start(programOf('slow.cjs'), {
    flags: ['--workers', '2', '--max-wait', '20000'],
    env,
    through: ['setsid'],
  });
  const port = await portOf(program);
  const answer = get(port, '/wait');
  const [, worker] = await program.printed(/^waits (\d+)$/m);
  process.kill(-program.pid, 'SIGTERM');
  await until('that it ends', () => /shutting down/.test(program.output));
  process.kill(Number(worker), 'SIGCONT');
  expect(await answer).toBe('waited');
  expect((await program.ended()).code).toBe(0);
});

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
