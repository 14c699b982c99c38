import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestClient, until } from '@millrace/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ServerOptions, ServerStats } from '../../src/index.js';
import { type EngineKind, TestEngine, whyNot } from '../engines.js';
import { isBase, pidOf, type RunningServer, startServer } from '../support.js';

/** Of the user and group `nobody` and `nogroup`, which every Linux has. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

interface Answer {
  readonly done?: unknown;
  readonly thrown?: { readonly code?: string; readonly message: string; readonly name: string };
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-remote-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const text = (name: string) => {
  const path = join(directory, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

interface AskedOptions extends Partial<ServerOptions> {
  /** Of its transport. */
  readonly drain?: number;
}

/** A server over the engine, and a client of it. */
class Asked {
  readonly server: RunningServer;
  #client: TestClient;

  private constructor(server: RunningServer, client: TestClient) {
    this.server = server;
    this.#client = client;
  }

  static async start(
    { kind, place }: TestEngine,
    queue: string,
    { drain, ...options }: AskedOptions = {},
  ): Promise<Asked> {
    const given = { maxWaitTime: 20_000, ...options, engine: { kind, place, queue, drain } };
    const server = await startServer(given as Partial<ServerOptions>, {}, 'remote-tasks');
    return new Asked(server, await TestClient.connect(server.lines));
  }

  async ask(question: object, to: number | string = 0): Promise<Answer> {
    return JSON.parse(await this.#client.ask(JSON.stringify({ ...question, to }))) as Answer;
  }

  /** Asks on a connection of its own: the answer may take its time. */
  async askAside(question: object): Promise<Answer> {
    const client = await TestClient.connect(this.server.lines);
    try {
      return JSON.parse(await client.ask(JSON.stringify({ ...question, to: 0 }))) as Answer;
    } finally {
      client.close();
    }
  }

  /** Asks until a process has answered: in base mode clients end with the process that had them. */
  untilAnswered(question: object): Promise<unknown> {
    return until('an answer', async () => {
      try {
        const { done } = await this.askAside(question);
        this.#client.close();
        this.#client = await TestClient.connect(this.server.lines);
        return done;
      } catch {
        return undefined;
      }
    });
  }

  async stats(): Promise<ServerStats> {
    return (await this.ask({ form: 'stats', name: '' })).done as ServerStats;
  }

  pid(name: string): number | undefined {
    return pidOf(this.server, `millrace: ${name}`);
  }

  /** Kills the process of that name, and waits until another one has it. */
  async kill(name: string): Promise<void> {
    const before = this.pid(name);
    process.kill(before as number, 'SIGKILL');
    await until(`another ${name}`, () => ![before, undefined].includes(this.pid(name)));
  }

  async end(): Promise<void> {
    this.#client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

const gated = (retries = 0) => ({
  form: 'task',
  name: 'gated',
  value: { file: join(directory, 'begun'), go: join(directory, 'go') },
  options: { retries },
});
const begun = (count: number) =>
  until(`${count} attempts to begin`, () => text('begun').split('\n').length > count);
const go = () => writeFileSync(join(directory, 'go'), 'gone');

/** Of the mode is what asks the engine, and that asks each of them alike: with one of them in base mode. */
const ENGINES: readonly EngineKind[] = isBase ? ['redis'] : ['redis', 'nats'];

describe.each(ENGINES)('tasks of a server over %s', (kind) => {
  const reason = whyNot(kind);
  const isHere = reason === undefined;
  if (!isHere) console.warn(reason);
  let engine: TestEngine;
  let asked: Asked;
  beforeAll(async () => {
    if (!isHere) return;
    engine = await TestEngine.plan(kind);
    await engine.start();
    asked = await Asked.start(engine, 'shared');
  });
  afterAll(async () => {
    await asked?.end();
    await engine?.remove();
  });

  test.skipIf(!isHere)('every form of a call works in every process that may ask', async () => {
    const { server } = asked;
    const taskWorkers = [0, 1].map((id) => pidOf(server, `millrace: task worker ${id}`));
    for (const [index, to] of [0, 3, 'manager', 'master'].entries()) {
      const ask = async (question: object) => (await asked.ask(question, to)).done;
      expect(await ask({ form: 'task', name: 'twice', value: 'ab' })).toEqual({
        result: 'abab',
        reports: [],
      });
      const { result } = (await ask({ form: 'task', name: 'pid' })) as { readonly result: number };
      expect(taskWorkers).toContain(result);
      expect(await ask({ form: 'runAll', name: 'twice', value: ['1', '2'] })).toEqual([
        { status: 'done', value: '11' },
        { status: 'done', value: '22' },
      ]);
      expect(await ask({ form: 'stream', name: 'count', value: 40 })).toEqual(
        Array.from({ length: 40 }, (_, number) => number),
      );
      expect(await ask({ form: 'task', name: 'reports' })).toEqual({ result: true, reports: ['half'] });
      expect(await ask({ form: 'plain', name: '', value: to })).toEqual({ plain: to, workerId: -1 });
      await ask({ form: 'post', name: 'note', value: join(directory, 'notes') });
      await until('the posted one to run', () => text('notes').length === index + 1);
    }
  });

  test.skipIf(!isHere)(
    'what a task throws comes back, and what an engine has not is refused by name',
    async () => {
      const { thrown } = await asked.ask({ form: 'task', name: 'fail' });
      expect(thrown).toEqual({ name: 'RangeError', message: 'as asked', status: 404 });
      const refused = async (question: object) => {
        const { code, message } =
          (await asked.ask({ form: 'task', name: 'twice', value: 'a', ...question })).thrown ?? {};
        expect(code).toBe('ERR_MILLRACE_TASK_OPTION');
        return message;
      };
      expect(await refused({ options: { worker: 0 } })).toMatch(/'worker' cannot be 0/);
      expect(await refused({ name: 'finishes' })).toMatch(/'finish' cannot be called/);
      if (kind === 'nats') expect(await refused({ options: { priority: 1 } })).toMatch(/has no priorities/);
    },
  );

  test.skipIf(!isHere)('a time-out and an abort reach the task that runs', async () => {
    for (const options of [{ timeout: 1_500 }, {}]) {
      const file = join(directory, `heard-${Object.keys(options).length}`);
      const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
      const answer = asked.askAside({ form: 'task', name: 'untilAborted', value: file, options });
      await until('it to begin', () => read() === 'begun\n');
      if (!('timeout' in options)) await asked.ask({ form: 'abort', name: 'untilAborted' });
      const { thrown } = await answer;
      expect([thrown?.code, thrown?.name]).toEqual(
        'timeout' in options ? ['ERR_MILLRACE_TASK_TIMEOUT', 'TaskError'] : [20, 'AbortError'],
      );
      await until('it to hear of it', () => read() === 'begun\naborted\n');
    }
  });

  test.skipIf(!isHere)(
    'the death of a task worker costs an attempt of what it ran, which is known by its exit',
    async () => {
      const kills = async (retries: number) => {
        const answer = asked.askAside(gated(retries));
        await begun(1);
        const running = await until('the one that runs it', async () => {
          const { taskRunningNum } = await asked.stats();
          return taskRunningNum === 1 ? [0, 1].map((id) => asked.pid(`task worker ${id}`)) : undefined;
        });
        for (const pid of running) process.kill(pid as number, 'SIGKILL');
        return answer;
      };
      expect((await kills(0)).thrown?.code).toBe('ERR_MILLRACE_TASK_WORKER_DIED');
      rmSync(join(directory, 'begun'));
      const answer = kills(1);
      await begun(2);
      go();
      expect((await answer).done).toEqual({ result: { attempt: 2, said: 'gone' }, reports: [] });
    },
  );

  test.skipIf(!isHere)('what waits, runs and was run again is counted', async () => {
    const before = await asked.stats();
    expect(before.userWorkerNum).toBe(1);
    const answer = asked.askAside(gated(1));
    await begun(1);
    await until('the engine to tell of it', async () => {
      const stats = await asked.stats();
      const { engineConnected, engineRunningNum, engineHostNum, hostRunningNum, hostSlotNum } = stats;
      const said = [engineConnected, engineRunningNum, engineHostNum, hostRunningNum, hostSlotNum];
      return JSON.stringify(said) === '[true,1,1,1,2]';
    });
    for (const id of [0, 1]) process.kill(asked.pid(`task worker ${id}`) as number, 'SIGKILL');
    await begun(2);
    go();
    await answer;
    await until('it to be counted', async () => {
      const { remoteRetryCount = 0, hostAgainCount = 0, hostSettledCount = 0 } = await asked.stats();
      return (
        remoteRetryCount > (before.remoteRetryCount ?? 0) &&
        hostAgainCount > (before.hostAgainCount ?? 0) &&
        hostSettledCount > (before.hostSettledCount ?? 0)
      );
    });
  });

  test.skipIf(!isHere)('a reload of the task workers, and scaling them, cost no attempt', async () => {
    const { program } = asked.server;
    const many = asked.askAside({ form: 'many', name: 'attempt', value: 20, count: 200 });
    await until('some to be answered', async () => (await asked.stats()).taskCompletedCount > 10);
    const before = program.count(/task worker \d has been replaced/g);
    program.kill('SIGUSR2');
    await until('both to be replaced', () => {
      return program.count(/task worker \d has been replaced/g) >= before + 2;
    });
    await asked.ask({ form: 'scale', name: '', count: 3 });
    await until('the third to be a place of the host', async () => (await asked.stats()).hostSlotNum === 3);
    await asked.ask({ form: 'scale', name: '', count: 2 });
    await until('it to be none', async () => (await asked.stats()).hostSlotNum === 2);
    expect((await many).done).toEqual(Array.from({ length: 200 }, () => [1]));
  });

  test.skipIf(!isHere)(
    'the death of the broker process costs an attempt, and each is answered once',
    async () => {
      const answer = asked.askAside(gated(1));
      await begun(1);
      const many = asked.askAside({
        form: 'many',
        name: 'attempt',
        value: 20,
        count: 100,
        options: { retries: 3 },
      });
      await asked.kill('task broker');
      go();
      const { result } = (await answer).done as { readonly result: { readonly attempt: number } };
      expect(result.attempt).toBe(2);
      for (const answers of (await many).done as unknown[][]) {
        expect(answers).toHaveLength(1);
        expect(answers[0]).toBeGreaterThan(0);
      }
    },
  );

  test.skipIf(!isHere)(
    'what a worker that died has asked for runs to its end in its first attempt, and its replacement asks on',
    async () => {
      // Nothing answers it: in base mode the client ends with the worker.
      const orphan = await TestClient.connect(asked.server.lines);
      orphan.send(`${JSON.stringify({ ...gated(), to: 0 })}\n`);
      await begun(1);
      await asked.kill('worker 0');
      expect(await asked.untilAnswered({ form: 'task', name: 'twice', value: 'b' })).toEqual({
        result: 'bb',
        reports: [],
      });
      await until('it to run still', async () => (await asked.stats()).hostRunningNum === 1);
      go();
      await until('its place to be free', async () => (await asked.stats()).hostRunningNum === 0);
      expect(text('begun')).toBe('1\n');
      expect(String(orphan.received)).toBe('');
      orphan.close();
    },
  );

  test.skipIf(!isHere)(
    'the death of the manager leaves nothing that waits for ever, and each task of the next is answered once',
    async () => {
      await asked.kill('manager');
      const question = { form: 'many', name: 'attempt', value: 1, count: 20, options: { retries: 3 } };
      const again = (await asked.untilAnswered(question)) as unknown[][];
      expect(again.every((answers) => answers.length === 1 && Number(answers[0]) > 0)).toBe(true);
    },
  );
});

describe.each<EngineKind>(['redis', 'nats'])('servers of one queue over %s', (kind) => {
  // Between servers and engine nothing is of the mode.
  const isHere = whyNot(kind) === undefined && !isBase;
  let engine: TestEngine;
  const servers: Asked[] = [];
  const start = async (queue: string, options: AskedOptions = {}) => {
    const one = await Asked.start(engine, queue, options);
    servers.push(one);
    return one;
  };
  beforeEach(async () => {
    if (isHere) engine = await TestEngine.plan(kind);
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.end();
    await engine?.remove();
  });

  test.skipIf(!isHere)(
    'one without task workers asks those of another, and a stop in order ends what runs there',
    async () => {
      await engine.start();
      const caller = await start('two', { taskWorkerNum: 0 });
      expect(caller.pid('task broker')).toBeUndefined();
      const host = await start('two', { maxWaitTime: 10_000 });
      // It has a connection to ask by, which is closed in time as well.
      await host.ask({ form: 'task', name: 'twice', value: 'a' });
      const answer = caller.askAside(gated());
      await begun(1);
      host.server.program.kill('SIGTERM');
      await host.server.program.printed(/shutting down/);
      go();
      expect((await answer).done).toEqual({ result: { attempt: 1, said: 'gone' }, reports: [] });
      expect(await host.server.program.ended()).toMatchObject({ code: 0 });
      expect(host.server.program.output).not.toMatch(/has not come to its end|abnormal exit/);
    },
  );

  // A Redis of a test's own is at the path of a socket, which is not below another root.
  test.skipIf(!isHere || !isRoot || kind !== 'nats')(
    'below another root, as a user who may read none of its modules, a server asks and answers',
    async () => {
      await engine.start();
      const root = join(directory, 'root');
      mkdirSync(root);
      chmodSync(root, 0o1777);
      const identity = { user: NOBODY, group: NOBODY, chroot: root };
      const server = await start('rooted', { ...identity, taskTmpdir: '/', taskWorkerNum: 1 });
      const answer = await server.askAside({ form: 'task', name: 'twice', value: 'low' });
      expect(answer.done).toEqual({ result: 'lowlow', reports: [] });
    },
  );

  test.skipIf(!isHere)(
    'a server that ends gives a task to another one after the drain of its transport',
    async () => {
      await engine.start();
      const caller = await start('drained', { taskWorkerNum: 0 });
      const first = await start('drained', { taskWorkerNum: 1, maxWaitTime: 60_000, drain: 200 });
      const answer = caller.askAside(gated(1));
      await begun(1);
      const ended = first.end();
      await start('drained', { taskWorkerNum: 1 });
      await begun(2);
      go();
      expect((await answer).done).toEqual({ result: { attempt: 2, said: 'gone' }, reports: [] });
      await ended;
    },
  );

  test.skipIf(!isHere)(
    'an engine that is away at the start and later is waited for, and nothing is lost that may run again',
    async () => {
      const server = await start('late');
      await server.server.program.printed(/is away; it is tried again/);
      const early = server.askAside({ form: 'task', name: 'twice', value: 'early' });
      await engine.start();
      expect((await early).done).toEqual({ result: 'earlyearly', reports: [] });
      const many = server.askAside({
        form: 'many',
        name: 'attempt',
        value: 50,
        count: 100,
        options: { retries: 5 },
      });
      await until('some to be answered', async () => (await server.stats()).taskCompletedCount > 10);
      await engine.kill();
      await engine.start();
      const answers = (await many).done as unknown[][];
      expect(answers.filter((own) => own.length !== 1 || !(Number(own[0]) > 0))).toEqual([]);
    },
  );

  test.skipIf(!isHere)(
    'a broker process that is stopped loses its claims to another host, and goes on',
    async () => {
      await engine.start();
      const caller = await start('stopped', { taskWorkerNum: 0 });
      const first = await start('stopped', { taskWorkerNum: 1 });
      const answer = caller.askAside(gated(1));
      await begun(1);
      const second = await start('stopped', { taskWorkerNum: 1 });
      const broker = first.pid('task broker') as number;
      process.kill(broker, 'SIGSTOP');
      try {
        await begun(2);
        go();
        expect((await answer).done).toEqual({ result: { attempt: 2, said: 'gone' }, reports: [] });
        await until('it to be counted', async () => (await second.stats()).hostSettledCount === 1);
      } finally {
        process.kill(broker, 'SIGCONT');
      }
      await until('it to find that out', async () => (await first.stats()).hostLostCount === 1);
      const question = { form: 'many', name: 'attempt', value: 1, count: 50 };
      expect((await caller.askAside(question)).done).toEqual(Array.from({ length: 50 }, () => [1]));
    },
  );

  test.skipIf(!isHere)(
    'of an engine that stands still so many tasks wait as may, and each of those is answered',
    async () => {
      await engine.start();
      const server = await start('still', { taskMaxQueue: 100 });
      const question = { form: 'many', name: 'attempt', value: 1, count: 1, options: { retries: 3 } };
      expect((await server.askAside(question)).done).toEqual([[1]]);
      engine.signal('SIGSTOP');
      let many: Promise<Answer>;
      try {
        many = server.askAside({ ...question, count: 500 });
        await until('the others to be refused', async () => (await server.stats()).taskCount >= 101);
      } finally {
        engine.signal('SIGCONT');
      }
      const answers = (await many).done as unknown[][];
      expect(answers.every((own) => own.length === 1)).toBe(true);
      const refused = answers.filter(([answer]) => answer === 'ERR_MILLRACE_TASK_QUEUE_FULL');
      expect(refused).toHaveLength(400);
      expect(answers.filter(([answer]) => Number(answer) > 0)).toHaveLength(100);
    },
  );
});
