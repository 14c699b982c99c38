import { syscalls } from '@millrace/native/syscalls';
import { Reactor } from '@millrace/reactor';
import { Program, until, within } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { streamPair } from './support.js';

/** Runs the reactor until nothing is left: by itself in Node's loop, by `run` elsewhere. */
async function finish(reactor: Reactor, mode: 'node' | 'blocking', last: Promise<void>): Promise<void> {
  if (mode === 'blocking') reactor.run();
  await within('the last callback', last);
}

describe.each(['blocking', 'node'] as const)('in mode %s', (mode) => {
  test('G06 deferred functions run first in the first turn, and right after the timer that deferred them', async () => {
    using reactor = new Reactor({ mode });
    const order: string[] = [];
    const last = new Promise<void>((resolve) => {
      reactor.timers.after(100, () => {
        order.push('timer');
        reactor.defer(() => order.push('deferred in the timer'));
        reactor.timers.after(1, () => {
          order.push('second timer');
          resolve();
        });
      });
    });
    reactor.defer(() => order.push('deferred'));
    await finish(reactor, mode, last);
    expect(order).toEqual(['deferred', 'timer', 'deferred in the timer', 'second timer']);
  });

  test('a turn runs input and output, then timers, then deferred functions, then the cycle function', async () => {
    using reactor = new Reactor({ mode });
    const [fd, peer] = streamPair();
    const order: string[] = [];
    const last = new Promise<void>((resolve) => {
      reactor.cycle(() => {
        order.push('cycle');
        reactor.cycle(null);
        reactor.cycle(null, { before: true });
        reactor.remove(fd);
        resolve();
      });
    });
    reactor.cycle(() => order.push('before'), { before: true });
    reactor.add(fd, { onRead: () => order.push('read') });
    syscalls.send(peer, Buffer.from('x'), 0, 1);
    reactor.timers.after(1, () => order.push('timer'));
    const start = performance.now();
    while (performance.now() - start < 3); // so that the timer is due in the first turn
    reactor.defer(() => order.push('deferred'));
    await finish(reactor, mode, last);
    expect(order).toEqual(['before', 'read', 'timer', 'deferred', 'cycle']);
  });

  test('a function deferred by a deferred function waits for the next turn', async () => {
    using reactor = new Reactor({ mode });
    const order: string[] = [];
    reactor.cycle(() => order.push('cycle'));
    const last = new Promise<void>((resolve) => {
      reactor.defer(() => {
        order.push('first');
        reactor.defer(() => {
          order.push('third');
          resolve();
        });
      });
    });
    reactor.defer(() => order.push('second'));
    await finish(reactor, mode, last);
    expect(order.slice(0, 4)).toEqual(['first', 'second', 'cycle', 'third']);
  });

  test('a callback that throws is reported and keeps no other from running', async () => {
    const errors: unknown[] = [];
    using reactor = new Reactor({ mode, onError: (error) => errors.push((error as Error).message) });
    const [fd, peer] = streamPair();
    const raise = (message: string) => () => {
      throw new Error(message);
    };
    reactor.add(fd, { onWrite: raise('first descriptor') });
    const last = new Promise<void>((resolve) => {
      reactor.add(peer, {
        onWrite: () => {
          reactor.remove(fd);
          reactor.remove(peer);
          reactor.timers.after(1, raise('timer'));
          reactor.timers.after(1, () => reactor.defer(raise('deferred')));
          reactor.timers.after(2, resolve);
        },
      });
    });
    await finish(reactor, mode, last);
    expect(errors).toEqual(['first descriptor', 'timer', 'deferred']);
  });
});

describe('a blocking reactor', () => {
  test('runs in the next turn what was deferred behind an error that onError throws again', () => {
    const ran: string[] = [];
    using reactor = new Reactor({
      mode: 'blocking',
      onError: (error) => {
        throw error;
      },
    });
    reactor.defer(() => {
      reactor.defer(() => ran.push('deferred meanwhile'));
      throw new Error('of a callback');
    });
    reactor.defer(() => ran.push('behind it'));
    expect(() => reactor.run()).toThrow('of a callback');
    expect(ran).toEqual([]);
    reactor.defer(() => ran.push('later'));
    reactor.run();
    expect(ran).toEqual(['behind it', 'deferred meanwhile', 'later']);
  });

  test('G07 single turns block until something happens, and no turn fires a tick twice', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    const output: string[] = [];
    reactor.timers.tick(100, () => output.push('Tick'));
    const start = performance.now();
    for (let i = 0; i < 5; i++) {
      output.push('loop');
      reactor.turn();
    }
    expect(performance.now() - start).toBeGreaterThanOrEqual(400);
    expect(output.join(' ')).toMatch(/^loop( Tick)?( loop Tick){3} loop( Tick)?$/);
  });

  test('run ends when no descriptor, timer or deferred function is left', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    const [fd] = streamPair();
    let turns = 0;
    reactor.run();
    reactor.cycle(() => turns++);
    reactor.run();
    expect(turns).toBe(1);
    reactor.add(fd, { onWrite: () => reactor.remove(fd) });
    reactor.timers.after(5, () => reactor.defer(() => {}));
    reactor.run();
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  test.each([true, false])(
    'a cycle function has a first turn, in which it may begin everything else (before: %s)',
    (before) => {
      using reactor = new Reactor({ mode: 'blocking' });
      const order: string[] = [];
      reactor.cycle(
        () => {
          if (order.push('cycle') === 1) reactor.timers.after(1, () => order.push('timer'));
        },
        { before },
      );
      reactor.run();
      expect(order.filter((one) => one === 'timer')).toHaveLength(1);
      expect(order[0]).toBe('cycle');
    },
  );

  test('what is unreferenced does not keep run going', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    const [fd] = streamPair();
    reactor.add(fd, { onRead: () => {} });
    reactor.unref(fd);
    reactor.timers.unref(reactor.timers.tick(1_000, () => {}));
    reactor.run();
    reactor.ref(fd);
    reactor.timers.after(1, () => reactor.unref(fd));
    reactor.run();
    expect(reactor.has(fd)).toBe(true);
  });

  test('stop ends run after the turn, and run goes on', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    const order: string[] = [];
    reactor.defer(() => {
      reactor.stop();
      order.push('stopped');
    });
    reactor.defer(() => order.push('same turn'));
    reactor.timers.after(1, () => order.push('timer'));
    reactor.run();
    expect(order).toEqual(['stopped', 'same turn']);
    reactor.run();
    expect(order).toEqual(['stopped', 'same turn', 'timer']);
  });

  test("goes on in Node's loop, with its timers, descriptors and what was deferred, once it has entered that", async () => {
    using reactor = new Reactor({ mode: 'blocking' });
    const order: string[] = [];
    const [fd] = streamPair();
    const done = new Promise<void>((resolve) =>
      reactor.defer(() => {
        // The timers of this turn have run.
        reactor.timers.after(1, () => order.push('timer') && resolve());
        expect(() => reactor.enterNodeLoop()).toThrow(
          expect.objectContaining({ code: 'ERR_MILLRACE_IN_TURN' }),
        );
        reactor.stop();
      }),
    );
    reactor.run();
    expect(reactor.mode).toBe('blocking');
    reactor.enterNodeLoop();
    reactor.enterNodeLoop();
    expect(reactor.mode).toBe('node');
    reactor.defer(() => order.push('deferred'));
    reactor.add(fd, { onWrite: () => reactor.remove(fd) && order.push('write') });
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);
    // It returns at once, and promises go on.
    reactor.run();
    await within('the timer', done);
    await until('the rest', () => order.length === 3);
    expect(order.toSorted()).toEqual(['deferred', 'timer', 'write']);
  });

  test('a turn with nothing to wait for returns, and one with a limit returns in time', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    reactor.turn();
    const [fd] = streamPair();
    reactor.add(fd, { onRead: () => {} });
    reactor.turn(0);
    reactor.turn(5);
  });

  test('errors come out of the turn once it is over, several as an AggregateError', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    const order: string[] = [];
    reactor.defer(() => {
      throw new Error('one');
    });
    reactor.defer(() => order.push('after it'));
    expect(() => reactor.turn()).toThrow('one');
    expect(order).toEqual(['after it']);
    for (const name of ['one', 'two']) {
      reactor.defer(() => {
        throw new Error(name);
      });
    }
    expect(() => reactor.turn()).toThrow(AggregateError);
    reactor.turn();
  });

  test('turn and run within a turn are refused', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    reactor.defer(() => reactor.turn());
    reactor.defer(() => reactor.run());
    const error = catchError(() => reactor.turn()) as AggregateError;
    expect(error.errors.map(({ code }) => code)).toEqual(['ERR_MILLRACE_IN_TURN', 'ERR_MILLRACE_IN_TURN']);
  });

  test('close within a turn ends it, and a closed reactor refuses work', () => {
    const reactor = new Reactor({ mode: 'blocking' });
    const order: string[] = [];
    reactor.defer(() => {
      reactor.close();
      reactor.close();
    });
    reactor.defer(() => order.push('dropped'));
    reactor.cycle(() => order.push('dropped'));
    reactor.run();
    expect(order).toEqual([]);
    expect(() => reactor.defer(() => {})).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_REACTOR_CLOSED' }),
    );
    expect(() => reactor.turn()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_REACTOR_CLOSED' }));
  });

  test('cycle says whether there was something to end', () => {
    using reactor = new Reactor({ mode: 'blocking' });
    expect(reactor.cycle(null)).toBe(false);
    expect(reactor.cycle(() => {})).toBe(true);
    expect(reactor.cycle(null, { before: true })).toBe(false);
    expect(reactor.cycle(null)).toBe(true);
    expect(reactor.cycle(null)).toBe(false);
  });
});

describe("in Node's loop", () => {
  test('promises and nextTick run between the turns', async () => {
    using reactor = new Reactor();
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      reactor.timers.after(1, () => {
        process.nextTick(() => order.push('tick'));
        void Promise.resolve().then(() => order.push('promise'));
        reactor.timers.after(5, () => resolve());
      });
    });
    await within('both timers', done);
    expect(order).toEqual(['tick', 'promise']);
  });

  test('no turn begins after stop, and run goes on with what waited', async () => {
    using reactor = new Reactor();
    const order: string[] = [];
    reactor.stop();
    const done = new Promise<void>((resolve) =>
      reactor.timers.after(1, () => order.push('timer') && resolve()),
    );
    reactor.defer(() => order.push('deferred'));
    const [fd] = streamPair();
    reactor.add(fd, { onWrite: () => reactor.remove(fd) && order.push('write') });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(order).toEqual([]);
    reactor.run();
    await within('the timer', done);
    expect(order.toSorted()).toEqual(['deferred', 'timer', 'write']);
  });

  test('a timer that stops it lets the process end, and run goes on with the timers behind it', async () => {
    await using program = new Program(new URL('./fixtures/stopped.mjs', `file://${import.meta.dirname}/`));
    expect(await program.ended()).toEqual({ code: 0, signal: null });
    expect(program.output).toBe('stopped\nexit\n');
    using reactor = new Reactor();
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      reactor.timers.after(2, () => order.push('second') && resolve());
    });
    const stopped = new Promise<void>((resolve) => {
      reactor.timers.after(1, () => {
        reactor.stop();
        order.push('first');
        setImmediate(() => setImmediate(resolve));
      });
    });
    await within('the stop', stopped);
    reactor.run();
    await within('the timer', done);
    expect(order).toEqual(['first', 'second']);
  });

  test('a process ends by itself when nothing is left, and an error is an uncaught exception', async () => {
    await using program = new Program(new URL('./fixtures/node-loop.mjs', `file://${import.meta.dirname}/`));
    const { code } = await program.ended();
    expect(program.output).toBe('uncaught thrown in a turn\nread x\ntimer\nexit\n');
    expect(code).toBe(0);
  });
});

function catchError(call: () => void): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('It did not throw');
}
