import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { expectTypeOf, test } from 'vitest';
import {
  asReactor,
  asSession,
  asWorker,
  type ListenerIndex,
  type PeerId,
  reactorOf,
  type SessionId,
} from '../../src/contract/ids.js';
import type { TypeOf } from '../../src/contract/types.js';
import { createServer, type ProcessId, type Session, type TaskContext } from '../../src/index.js';

// What these say is judged by the compiler; nothing of it needs to run.
const never = (_: () => unknown) => {};

const server = createServer({
  port: 0,
  taskWorkerNum: 1,
  tasks: {
    now: () => Date.now(),
    count: (line: Buffer) => line.length,
    double: async (n: number, { attempt, signal }) => {
      expectTypeOf(attempt).toEqualTypeOf<number>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return n * 2;
    },
    render: (page: string, context: TaskContext<{ done: number }>) => {
      context.progress({ done: 1 });
      // @ts-expect-error A report has the type that the handler has given it.
      context.progress('half');
      return page.length > 0;
    },
    *rows(count: number, { progress }) {
      expectTypeOf(progress).toBeFunction();
      for (let i = 0; i < count; i++) yield `${i}`;
    },
  },
});

test('a handler may return anything, and a promise of it', () => {
  server.on('receive', (session, data) => session.send(data));
  server.on('receive', async (session, data) => session.send(data));
  server.on('connect', (session) => session.close());
  server.on('close', (session) => session.info);
  server.on('workerStart', () => server.tick(1_000, () => {}));
  server.on('finish', ({ id }) => id);
  server.on('error', async (error) => error);
  server.on('pipeMessage', (source) => source);
  server.addListener({ port: 0 }).on('receive', (session, data) => session.send(data));
});

test('tasks, their values, results, contexts and reports are inferred', () => {
  never(() => {
    expectTypeOf(server.task('now')).resolves.toEqualTypeOf<number>();
    expectTypeOf(server.task('count', Buffer.alloc(1))).resolves.toEqualTypeOf<number>();
    expectTypeOf(server.task('double', 1, { timeout: 5 })).resolves.toEqualTypeOf<number>();
    expectTypeOf(server.runAll('double', [1, 2])).resolves.items.toExtend<{ readonly status: string }>();
    expectTypeOf(server.stream('rows', 3)).toEqualTypeOf<AsyncIterableIterator<string>>();
    expectTypeOf(server.post('double', 1)).toEqualTypeOf<void>();
    return server.task('render', 'x', {
      onProgress: (report) => expectTypeOf(report).toEqualTypeOf<{ done: number }>(),
    });
  });
});

test('a wrong call of a task does not compile', () => {
  never(() => {
    // @ts-expect-error There is no such task: data for on('task') goes by plainTask.
    void server.task('nothing');
    // @ts-expect-error It takes a name, not data.
    void server.task({ some: 'data' });
    // @ts-expect-error It needs its value.
    void server.task('count');
    // @ts-expect-error A value of another type.
    void server.task('count', 5);
    // @ts-expect-error Options do not stand in the place of the value.
    void server.task('now', { timeout: 5 });
    // @ts-expect-error A callback is for plainTask.
    void server.task('count', Buffer.alloc(1), () => {});
    // @ts-expect-error Its results are several: stream.
    void server.task('rows', 3);
    // @ts-expect-error Its result is one: task.
    server.stream('count', Buffer.alloc(1));
    expectTypeOf(
      server.plainTask({ some: 'data' }, { worker: 0, onFinish: (result) => result }),
    ).resolves.toBeUnknown();
    // @ts-expect-error Options are an object.
    void server.plainTask('data', 0);
  });
});

test('a server without tasks has none to call', () => {
  const plain = createServer({ port: 0 });
  never(() => {
    // @ts-expect-error There are none.
    void plain.task('anything');
    return plain.plainTask('anything');
  });
});

test('the data of sessions and messages between processes are unknown until the program says what they are', () => {
  server.on('receive', (session) => expectTypeOf(session.data).toBeUnknown());
  server.on('pipeMessage', (source, message) => {
    expectTypeOf(source).toEqualTypeOf<ProcessId>();
    expectTypeOf(message).toBeUnknown();
  });
  expectTypeOf<Session['data']>().toBeUnknown();
  expectTypeOf<TypeOf<{ sessionData: { name: string } }, 'sessionData'>>().toEqualTypeOf<{ name: string }>();
  expectTypeOf<TypeOf<{ message: string }, 'sessionData'>>().toBeUnknown();
});

test('what processes know of each other has types', () => {
  never(() => {
    expectTypeOf(server.masterPid).toEqualTypeOf<number>();
    expectTypeOf(server.managerPid).toEqualTypeOf<number | undefined>();
    expectTypeOf(server.workerPid(0)).toEqualTypeOf<number | undefined>();
  });
});

test('numbers of two kinds are never taken for each other, and users give and get plain ones', () => {
  never(() => {
    const session = asSession(1);
    const worker = asWorker(1);
    // @ts-expect-error A session is no reactor: reactorOf tells which one it names.
    asReactor(session);
    // @ts-expect-error In base mode a worker is a reactor, which reactorOfWorker says.
    reactorOf(worker, 2);
    // @ts-expect-error A number that nobody has checked is no session yet.
    expectTypeOf<number>().toExtend<SessionId>();
    expectTypeOf(worker).toExtend<PeerId>();
    expectTypeOf<SessionId | ListenerIndex>().toExtend<number>();
    return server.send(session, 'a session of our own') && server.send(1, 'what a user has kept');
  });
});

test('what users see of a session are plain numbers', () => {
  never(() => {
    server.on('receive', (session) => {
      expectTypeOf(session.id).toEqualTypeOf<number>();
      expectTypeOf(session.port).toEqualTypeOf<number>();
    });
  });
});

test('a server is served as what it is, and a function becomes a node:http server', () => {
  never(() => expectTypeOf(server.serve(createHttp2Server(), { port: 0 })).toEqualTypeOf<Http2Server>());
  never(() => expectTypeOf(server.serve((_, res) => res.end())).toEqualTypeOf<HttpServer>());
  never(() =>
    server.serve((req, res) => {
      expectTypeOf(req).toEqualTypeOf<IncomingMessage>();
      expectTypeOf(res.statusCode).toEqualTypeOf<number>();
    }),
  );
  // @ts-expect-error What a served listener gets is not cut to messages.
  never(() => server.serve((_, res) => res.end(), { port: 0, framing: { kind: 'none' } }));
});
