import { chmodSync, existsSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SocketFile } from '@millrace/native/internal';
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  syscalls,
  TCP_DEFER_ACCEPT,
  TCP_FASTOPEN,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from '@millrace/native/syscalls';
import {
  BoundDatagram,
  Connection,
  type ConnectOptions,
  connect,
  Listener,
  Reactor,
  type SocketAddress,
  showAddress,
} from '@millrace/reactor';
import {
  asOtherUser,
  canBeOthers,
  LISTEN,
  OTHER_USER,
  openDescriptors,
  Program,
  within,
} from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { directory, turnUntil } from './support.js';

/** Connects, and throws what came of it. */
function connectNow(reactor: Reactor, address: SocketAddress): void {
  let failure: Error | undefined;
  connect(reactor, address, { handlers: { onFrame: () => {} } }, (error) => {
    failure = error;
  });
  reactor.run();
  if (failure) throw failure;
}

/** What comes of connecting to a unix socket: `'connected'`, or the error. */
function outcome(
  reactor: Reactor,
  path: string,
  options: Pick<ConnectOptions, 'trustedUsers'>,
): Promise<Error | 'connected'> {
  return new Promise((resolve) => {
    connect(reactor, { path }, { ...options, handlers: { onFrame: () => {} } }, (error, connection) => {
      connection?.destroy();
      resolve(error ?? 'connected');
    });
    reactor.run();
  });
}

function blocking(): Reactor {
  const reactor = new Reactor({ mode: 'blocking' });
  onTestFinished(() => reactor.close());
  return reactor;
}

/** A listener whose connections echo lines. */
function echo(reactor: Reactor, address: SocketAddress & { mode?: number }): Listener {
  const listener = new Listener(address);
  onTestFinished(() => listener.close());
  listener.start(reactor, {
    onAccept: (fd) =>
      new Connection(reactor, fd, {
        framing: { kind: 'eof', delimiter: '\n', includeDelimiter: true },
        handlers: { onFrame: (own, memory, start, end) => own.write(memory, start, end) },
      }),
  });
  return listener;
}

const addressOf = (listener: Listener): SocketAddress =>
  listener.path === undefined ? listener.address : { path: listener.path };

const addresses: [string, () => SocketAddress][] = [
  ['IPv4', () => ({ host: '127.0.0.1', port: 0 })],
  ['IPv6', () => ({ host: '::1', port: 0 })],
  ['a unix path', () => ({ path: join(directory(), 'socket') })],
  ['the abstract namespace', () => ({ path: `\0millrace-${process.pid}-${Math.random()}` })],
];

describe.each(addresses)('over %s', (_name, address) => {
  test('with a callback, in turns of a blocking reactor', () => {
    const reactor = blocking();
    const listener = echo(reactor, address());
    const got: string[] = [];
    let calls = 0;
    connect(
      reactor,
      addressOf(listener),
      {
        handlers: {
          onFrame: (own, memory, start, end) => {
            got.push(memory.toString('latin1', start, end));
            own.close();
          },
          onClose: () => listener.close(),
        },
      },
      (error, connection) => {
        calls++;
        expect(error).toBeUndefined();
        connection?.write('hello\n');
      },
    );
    expect(calls).toBe(0);
    reactor.run();
    expect(got).toEqual(['hello\n']);
    expect(calls).toBe(1);
  });

  test("with a promise, in Node's loop", async () => {
    using reactor = new Reactor();
    const listener = echo(reactor, address());
    let resolve: (text: string) => void;
    const first = new Promise<string>((done) => {
      resolve = done;
    });
    const connection = await within(
      'the connection',
      connect(reactor, addressOf(listener), {
        handlers: { onFrame: (_own, memory, start, end) => resolve(memory.toString('latin1', start, end)) },
      }),
    );
    connection.write('hello\n');
    expect(await within('the answer', first)).toBe('hello\n');
    connection.destroy();
  });
});

describe('connect', () => {
  const handlers = { onFrame: () => {} };

  test('names the address that refused', () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    const { address } = listener;
    listener.close();
    const errors: unknown[] = [];
    connect(reactor, address, { handlers }, (error) => errors.push(error));
    connect(reactor, { path: '/nowhere/at/all' }, { handlers }, (error) => errors.push(error));
    reactor.run();
    expect(errors).toEqual([
      expect.objectContaining({ errnoName: 'ECONNREFUSED', object: showAddress(address) }),
      expect.objectContaining({ errnoName: 'ENOENT', object: '/nowhere/at/all' }),
    ]);
  });

  test('is of a reactor whose misspelt options are refused with the nearest name', () => {
    expect(() => new Reactor({ writeLimt: 5 } as object)).toThrow("did you mean 'writeLimit'?");
  });

  test('may take for ever, or longer than any timer; what is no time is refused', () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => listener.close());
    const results: unknown[] = [];
    for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 60, 2 ** 31])
      connect(reactor, addressOf(listener), { handlers, timeout }, (error, connection) => {
        results.push(error);
        connection?.destroy();
      });
    for (const timeout of [Number.NaN, -1, '5' as unknown as number]) {
      const refused = expect.objectContaining({ code: 'ERR_MILLRACE_TIMEOUT_VALUE' });
      expect(() => connect(reactor, addressOf(listener), { handlers, timeout }, () => {})).toThrow(refused);
      expect(() => reactor.turn(timeout === -1 ? -2 : timeout)).toThrow(refused);
    }
    turnUntil(reactor, 'all of them', () => results.length === 3);
    expect(results).toEqual([undefined, undefined, undefined]);
    for (const most of [0, 0.5, 1]) reactor.turn(most);
    const timer = reactor.timers.after(1, () => results.push('due'));
    reactor.turn(Number.POSITIVE_INFINITY);
    reactor.turn(2 ** 40);
    expect(reactor.timers.exists(timer)).toBe(false);
  });

  test('gives up in time where a unix backlog is full, and connects once there is room', () => {
    const reactor = blocking();
    const listener = new Listener({ path: join(directory(), 'socket'), backlog: 0 });
    onTestFinished(() => listener.close());
    const address = addressOf(listener);
    const results: (string | undefined)[] = [];
    const accepted: number[] = [];
    onTestFinished(() => {
      for (const fd of accepted) syscalls.close(fd);
    });
    connect(reactor, address, { handlers }, (error) => results.push(error?.message));
    connect(reactor, address, { handlers, timeout: 20 }, (error) =>
      results.push((error as { code?: string }).code),
    );
    connect(reactor, address, { handlers }, (error, connection) => {
      results.push(error?.message);
      connection?.destroy();
      listener.close();
    });
    turnUntil(reactor, 'the first two', () => results.length === 2);
    listener.start(reactor, { onAccept: (fd) => accepted.push(fd) });
    turnUntil(reactor, 'the third', () => results.length === 3);
    expect(results).toEqual([undefined, 'ERR_MILLRACE_CONNECT_TIMEOUT', undefined]);
  });

  test('gives up when its signal aborts, with the reason', async () => {
    using reactor = new Reactor();
    const listener = new Listener({ path: join(directory(), 'socket'), backlog: 0 });
    onTestFinished(() => listener.close());
    const first = await connect(reactor, addressOf(listener), { handlers });
    onTestFinished(() => first.destroy());
    const abort = new AbortController();
    const second = connect(reactor, addressOf(listener), { handlers, signal: abort.signal });
    abort.abort(new Error('changed my mind'));
    await expect(within('the rejection', second)).rejects.toThrow('changed my mind');
    await expect(connect(reactor, addressOf(listener), { handlers, signal: abort.signal })).rejects.toThrow(
      'changed my mind',
    );
  });

  test('a reactor that is closed refuses it, and that takes no descriptor', async () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => listener.close());
    reactor.close();
    const closed = expect.objectContaining({ code: 'ERR_MILLRACE_REACTOR_CLOSED' });
    const before = openDescriptors('self');
    expect(() => connect(reactor, listener.address, { handlers }, () => expect.unreachable())).toThrow(
      closed,
    );
    await expect(connect(reactor, listener.address, { handlers })).rejects.toEqual(closed);
    expect(openDescriptors('self')).toBe(before);
  });

  test('what fails when it is begun takes no descriptor', () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => listener.close());
    const before = openDescriptors('self');
    // The timers of a reactor can be closed by themselves.
    reactor.timers.close();
    expect(() => connect(reactor, listener.address, { handlers }, () => expect.unreachable())).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TIMER_CLOSED' }),
    );
    expect(openDescriptors('self')).toBe(before);
  });

  test('a reactor that closes meanwhile ends it: under way, before its next attempt, and refused', async () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    const full = new Listener({ path: join(directory(), 'socket'), backlog: 0 });
    onTestFinished(() => [listener, full].forEach((one) => void one.close()));
    const others = blocking();
    let first: Connection | undefined;
    connect(others, addressOf(full), { handlers }, (_, connection) => {
      first = connection;
    });
    turnUntil(others, 'the one that fills the backlog', () => first !== undefined);
    onTestFinished(() => first?.destroy());
    const before = openDescriptors('self');
    const codes: unknown[] = [];
    const callback = (error?: Error) => codes.push((error as { code?: string }).code);
    for (const address of [addressOf(listener), addressOf(full), { path: '/nowhere/at/all' }])
      connect(reactor, address, { handlers }, callback);
    const promise = connect(reactor, addressOf(full), { handlers });
    reactor.close();
    const CLOSED = 'ERR_MILLRACE_REACTOR_CLOSED';
    expect(codes).toEqual([CLOSED, CLOSED, CLOSED]);
    await expect(within('the rejection', promise)).rejects.toEqual(expect.objectContaining({ code: CLOSED }));
    // The epoll descriptor went as well.
    expect(openDescriptors('self')).toBe(before - 1);
  });

  test('what a callback throws at the close comes out of it, and the others are told', () => {
    const reactor = blocking();
    const full = new Listener({ path: join(directory(), 'socket'), backlog: 0 });
    onTestFinished(() => full.close());
    let calls = 0;
    for (let i = 0; i < 3; i++) {
      connect(reactor, addressOf(full), { handlers }, () => {
        if (++calls < 3) throw new Error('callback');
      });
    }
    expect(() => reactor.close()).toThrow(AggregateError);
    expect(calls).toBe(3);
    expect(reactor.closed).toBe(true);
  });

  test('a host name, and a path that is too long, are errors at once', async () => {
    using reactor = new Reactor();
    const bad = expect.objectContaining({ code: 'ERR_MILLRACE_BAD_ADDRESS' });
    await expect(connect(reactor, { host: 'localhost', port: 1 }, { handlers })).rejects.toEqual(bad);
    expect(() => connect(reactor, { path: 'x'.repeat(108) }, { handlers }, () => {})).toThrow(bad);
    expect(() => new Listener({ path: '' })).toThrow(bad);
  });
});

describe('listeners', () => {
  test('an address in use is an error that names it', () => {
    const first = new Listener({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => first.close());
    expect(() => new Listener(first.address)).toThrow(
      expect.objectContaining({ errnoName: 'EADDRINUSE', object: showAddress(first.address) }),
    );
  });

  test('what is set for TCP holds for its connections', async () => {
    const reactor = blocking();
    const keepAlive = { idle: 30, interval: 7, count: 4 };
    const options = { keepAlive, userTimeout: 9_000, fastOpen: 16, noDelay: false };
    const listener = new Listener({ host: '127.0.0.1', port: 0, ...options });
    const deferring = new Listener({ host: '127.0.0.1', port: 0, deferAccept: 3 });
    onTestFinished(() => [listener, deferring].forEach((one) => void one.close()));
    let accepted = -1;
    listener.start(reactor, {
      onAccept: (fd) => {
        accepted = fd;
      },
    });
    connect(reactor, listener.address, { handlers: { onFrame: () => {} } }, (_, connection) =>
      onTestFinished(() => connection?.destroy()),
    );
    turnUntil(reactor, 'the connection', () => accepted >= 0);
    onTestFinished(() => void syscalls.close(accepted));
    const value = (fd: number, level: number, name: number) => {
      const out = new Int32Array(1);
      syscalls.getSocketOption(fd, level, name, new Uint8Array(out.buffer));
      return out[0];
    };
    expect(value(accepted, SOL_SOCKET, SO_KEEPALIVE)).toBe(1);
    const tcp = [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT, TCP_NODELAY];
    expect(tcp.map((name) => value(accepted, IPPROTO_TCP, name))).toEqual([30, 7, 4, 9_000, 0]);
    expect(value(listener.fd, IPPROTO_TCP, TCP_FASTOPEN)).toBe(16);
    expect(value(deferring.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT)).toBeGreaterThan(0);
    expect(value(deferring.fd, IPPROTO_TCP, TCP_NODELAY)).toBe(1);
  });

  test('two that both ask for it share a port', () => {
    const first = new Listener({ host: '127.0.0.1', port: 0, reusePort: true });
    const second = new Listener({ ...first.address, reusePort: true });
    first.close();
    second.close();
  });

  test('a socket file whose owner has died is replaced; one in use and another file are not', async () => {
    const path = join(directory(), 'socket');
    await using program = new Program(new URL('./fixtures/stale.mjs', `file://${import.meta.dirname}/`), {
      args: [path],
    });
    await program.printed(/listening/);
    expect(() => new Listener({ path })).toThrow(expect.objectContaining({ errnoName: 'EADDRINUSE' }));
    program.kill('SIGKILL');
    await program.ended();
    expect(existsSync(path)).toBe(true);
    const listener = new Listener({ path, permissions: 0o600 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    listener.close();
    expect(existsSync(path)).toBe(false);
    expect(() => new Listener({ path: import.meta.filename })).toThrow(
      expect.objectContaining({ errnoName: 'EADDRINUSE' }),
    );
  });

  test.runIf(canBeOthers)(
    'a listener of another user is refused, by its descriptor, and so is a file of that user',
    async () => {
      const name = `millrace-reactor-${process.pid}`;
      const path = join(directory(), 'socket');
      chmodSync(join(path, '..'), 0o777);
      const others = await Promise.all(
        [`@${name}`, path].map((at) => asOtherUser(LISTEN, ['SOCK_STREAM', at])),
      );
      const reactor = blocking();
      for (const at of [`\0${name}`, path]) {
        const result = await outcome(reactor, at, {});
        expect(result).toMatchObject({ code: 'ERR_MILLRACE_UNTRUSTED', owner: OTHER_USER });
        expect(await outcome(reactor, at, { trustedUsers: [OTHER_USER] })).toBe('connected');
      }
      for (const other of others) await other.stop();
      for (const make of [
        () => new Listener({ path, permissions: 0o666 }),
        () => new BoundDatagram({ path }),
      ])
        expect(make).toThrow(
          expect.objectContaining({
            errnoName: 'EADDRINUSE',
            message: expect.stringContaining('user 65534'),
          }),
        );
      expect(existsSync(path)).toBe(true);
    },
  );

  test('a socket file has its permissions by descriptor: a link in its place is not followed', () => {
    const path = join(directory(), 'socket');
    const victim = join(path, '..', 'victim');
    writeFileSync(victim, '', { mode: 0o600 });
    const listener = new Listener({ path, permissions: 0o666 });
    expect(statSync(path).mode & 0o777).toBe(0o666);
    const file = new SocketFile(path);
    rmSync(path);
    symlinkSync(victim, path);
    expect(() => file.chmod(0o666)).toThrow(expect.objectContaining({ syscall: 'chmod' }));
    expect(statSync(victim).mode & 0o777).toBe(0o600);
    listener.close();
  });

  test('two that accept one connection a turn from one socket share what comes', () => {
    const reactors = [blocking(), blocking()];
    const first = new Listener({ host: '127.0.0.1', port: 0 });
    const second = new Listener({ fd: syscalls.duplicate(first.fd) });
    expect(second.address).toEqual(first.address);
    const accepted = [0, 0];
    for (const [index, listener] of [first, second].entries()) {
      const onAccept = (fd: number) => {
        accepted[index] = (accepted[index] as number) + 1;
        syscalls.close(fd);
      };
      listener.start(reactors[index] as Reactor, { onAccept, burst: 1 });
    }
    const COUNT = 6;
    const clients = blocking();
    // Their reactor makes no turns, and closes with the test.
    for (let i = 0; i < COUNT; i++)
      connect(clients, first.address, { handlers: { onFrame: () => {} } }, () => {});
    for (let i = 0; i < COUNT / 2; i++) for (const reactor of reactors) reactor.turn(1_000);
    expect(accepted).toEqual([COUNT / 2, COUNT / 2]);
    for (const listener of [first, second]) listener.close();
  });

  test('one that is ended for all accepts nothing more anywhere, and keeps no reactor busy', () => {
    const reactor = blocking();
    const owner = new Listener({ host: '127.0.0.1', port: 0 });
    const heir = new Listener({ fd: syscalls.duplicate(owner.fd) });
    heir.start(reactor, { onAccept: (fd) => void syscalls.close(fd) });
    owner.closeForAll();
    owner.closeForAll();
    // Returns once nothing is left that it watches.
    reactor.run();
    expect(() => connectNow(reactor, owner.address)).toThrow(/ECONNREFUSED/);
    heir.close();
  });

  test('one that pauses leaves what comes where it is, and goes on by itself', () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    const times: number[] = [];
    listener.start(reactor, {
      onAccept: (fd) => {
        syscalls.close(fd);
        times.push(performance.now());
        if (times.length === 3) listener.close();
        else listener.pause(30);
      },
    });
    for (let i = 0; i < 3; i++) connect(reactor, listener.address, { handlers: { onFrame: () => {} } });
    reactor.run();
    const [a, b, c] = times as [number, number, number];
    expect(Math.min(b - a, c - b)).toBeGreaterThan(28);
  });

  test('a burst of connections is accepted whole, over several turns', () => {
    const reactor = blocking();
    const listener = new Listener({ host: '127.0.0.1', port: 0 });
    const COUNT = 200;
    let accepted = 0;
    const perTurn: number[] = [];
    listener.start(reactor, {
      onAccept: (fd) => {
        accepted++;
        syscalls.close(fd);
        if (accepted === COUNT) listener.close();
      },
    });
    let before = 0;
    reactor.cycle(() => {
      perTurn.push(accepted - before);
      before = accepted;
    });
    let connected = 0;
    for (let i = 0; i < COUNT; i++) {
      connect(reactor, listener.address, { handlers: { onFrame: () => {} } }, (error) => {
        expect(error).toBeUndefined();
        connected++;
      });
    }
    reactor.run();
    expect([accepted, connected]).toEqual([COUNT, COUNT]);
    expect(Math.max(...perTurn)).toBe(64);
  });

  test.each(['blocking', 'node'])(
    'without descriptors, accepting pauses for a second and then goes on, mode %s',
    async (mode) => {
      await using limited = limitedProgram(mode);
      const { code } = await limited.ended();
      expect(limited.output).toMatch(/^exhausted EMFILE\naccepted after (\d+) ms\n$/);
      expect(Number(/after (\d+)/.exec(limited.output)?.[1])).toBeGreaterThanOrEqual(1_000);
      expect(code).toBe(0);
    },
  );
});

/** A program that may open a few descriptors only. */
function limitedProgram(mode: string): Program {
  return new Program(new URL('./fixtures/limited.mjs', `file://${import.meta.dirname}/`), { args: [mode] });
}
