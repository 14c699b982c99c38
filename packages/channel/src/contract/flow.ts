import { expect, test } from 'vitest';
import { type Maker, turns } from './subject.js';

/** Which end waits for which: back-pressure, limits, pausing, waits with a way out. */
export function flowContract(make: Maker): void {
  test('a listener gets every message, in order', () =>
    make.values(async ({ left, right }) => {
      const total = 5_000;
      const seen: unknown[] = [];
      const all = new Promise<void>((resolve) => {
        right.on('message', (value) => {
          seen.push(value);
          if (seen.length === total) resolve();
        });
      });
      for (let i = 0; i < total; i++) if (!left.send(i)) await left.drained();
      await all;
      expect(seen).toEqual(Array.from({ length: total }, (_, i) => i));
    }));

  test('what is there can be taken at once, and where there is nothing that is undefined', () =>
    make.values(async ({ left, right }) => {
      expect(right.tryReceive()).toBeUndefined();
      const total = 1_000;
      const seen: unknown[] = [];
      for (let i = 0; i < total; i++) {
        left.send(i);
        left.flush();
        // Most transports have it there by now; where the kernel passes it on, the loop has its turn.
        for (let value = right.tryReceive(); ; value = right.tryReceive()) {
          if (value !== undefined) seen.push(value);
          if (seen.length === i + 1) break;
          await turns(1);
        }
      }
      expect(seen).toEqual(Array.from({ length: total }, (_, i) => i));
      // A reader that has polled is woken again once it waits.
      const next = right.receive();
      left.send('woken');
      expect(await next).toBe('woken');
      right.on('message', () => {});
      expect(() => right.tryReceive()).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_CHANNEL_LISTENING' }),
      );
    }));

  test('a message over the limit is refused, nothing of it is sent, and the channel goes on', () =>
    make.bytes(async ({ left, right }) => {
      const tooLarge = new Uint8Array(left.maxMessageSize + 1);
      expect(() => left.send(tooLarge)).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_MESSAGE_TOO_LARGE' }),
      );
      left.send(Buffer.from('next'));
      expect((await right.receive())?.toString()).toBe('next');
    }));

  test('send says no above the high-water mark, drained follows, and nothing is lost', () =>
    make.bytes(
      async ({ left, right }) => {
        const message = Buffer.alloc(10_000, 1);
        let count = 1;
        while (left.send(message)) count++;
        expect(left.writable).toBe(false);
        let drained = false;
        const drain = left.drained().then(() => {
          drained = true;
        });
        expect(drained).toBe(false);
        for (let i = 0; i < count; i++) expect((await right.receive())?.equals(message)).toBe(true);
        await drain;
        expect(left.writable).toBe(true);
      },
      { highWaterMark: 100_000 },
    ));

  test('above the hard limit a message is refused and the accepted ones arrive', () =>
    make.bytes(
      async ({ left, right }) => {
        const message = Buffer.alloc(10_000, 2);
        let count = 0;
        const flood = () => {
          for (; count < 100_000; count++) left.send(message);
        };
        expect(flood).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CHANNEL_FULL' }));
        for (let i = 0; i < count; i++) expect((await right.receive())?.equals(message)).toBe(true);
        left.send(Buffer.from('after'));
        expect((await right.receive())?.toString()).toBe('after');
      },
      { highWaterMark: 10_000, hardLimit: 50_000 },
    ));

  test('messages without bytes wait as others do: send says no to more, and a drain and the end wait for them', () =>
    make.bytes(
      async ({ left, right }) => {
        const empty = new Uint8Array(0);
        const most = 1_000_000;
        let count = 1;
        while (count < most && left.send(empty)) count++;
        expect(count).toBeLessThan(most);
        let drained = false;
        const drain = left.drained().then(() => {
          drained = true;
        });
        await turns();
        expect(drained).toBe(false);
        const closing = left.close({ timeout: 20_000 });
        let received = 0;
        while (received < count && (await right.receive())?.length === 0) received++;
        expect(received).toBe(count);
        await drain;
        await closing;
      },
      { highWaterMark: 1_000 },
    ));

  test('a paused end takes nothing; resumed, it takes everything', () =>
    make.values(async ({ left, right }) => {
      const seen: unknown[] = [];
      right.on('message', (value) => seen.push(value));
      left.send('before');
      await left.drained();
      while (seen.length < 1) await new Promise(setImmediate);
      right.pause();
      left.send('during');
      await left.drained();
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      expect(seen).toEqual(['before']);
      right.resume();
      while (seen.length < 2) await new Promise(setImmediate);
      expect(seen).toEqual(['before', 'during']);
    }));

  test('a wait ends by its signal or its time-out, and costs no message', () =>
    make.values(async ({ left, right }) => {
      const stop = new AbortController();
      const aborted = right.receive({ signal: stop.signal });
      stop.abort(new Error('enough'));
      await expect(aborted).rejects.toThrow('enough');
      await expect(right.receive({ timeout: 1 })).rejects.toMatchObject({
        code: 'ERR_MILLRACE_TIMEOUT',
      });
      left.send('still here');
      expect(await right.receive()).toBe('still here');
    }));

  test('several waits are served in the order they were made', () =>
    make.values(async ({ left, right }) => {
      const waits = [right.receive(), right.receive(), right.receive()];
      for (const value of ['a', 'b', 'c']) left.send(value);
      expect(await Promise.all(waits)).toEqual(['a', 'b', 'c']);
    }));

  test('messages go to a listener or to those who ask, never to both', () =>
    make.values(async ({ right }) => {
      right.on('message', () => {});
      await expect(right.receive()).rejects.toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_LISTENING' });
    }));

  test('every handler gets every message, in the order in which they were added, until one closes the channel', () =>
    make.values(async ({ left, right }) => {
      const seen: string[] = [];
      let closes = false;
      right
        .on('message', (value) => seen.push(`first ${value}`))
        .on('message', () => {
          if (closes) right.destroy();
        })
        .on('message', (value) => seen.push(`last ${value}`));
      for (const value of ['a', 'b']) left.send(value);
      while (seen.length < 4) await turns(1);
      expect(seen).toEqual(['first a', 'last a', 'first b', 'last b']);
      // What the handler before has closed is over for the next one.
      closes = true;
      left.send('c');
      while (seen.length < 5) await turns(1);
      await turns();
      expect(seen.slice(4)).toEqual(['first c']);
    }));

  test('without a handler for messages these stay for those who ask, or for the next handler', () =>
    make.values(async ({ left, right }) => {
      const seen: unknown[] = [];
      const once = (value: unknown) => {
        seen.push(value);
        right.off('message', once);
      };
      right.on('message', once);
      for (let i = 0; i < 5; i++) left.send(i);
      while (seen.length < 1) await turns(1);
      await turns();
      expect(seen).toEqual([0]);
      expect(await right.receive()).toBe(1);
      expect(await right.receive()).toBe(2);
      right.on('message', (value) => seen.push(value));
      while (seen.length < 3) await turns(1);
      expect(seen).toEqual([0, 3, 4]);
    }));

  test('an event that a channel does not have, and a handler that is no function, are refused', () =>
    make.values(async ({ right }) => {
      const on = right.on.bind(right) as (name: string, handler: unknown) => void;
      expect(() => on('mesage', () => {})).toThrow(
        expect.objectContaining({
          code: 'ERR_MILLRACE_EVENT_NAME',
          message: expect.stringContaining("did you mean 'message'"),
        }),
      );
      expect(() => on('message', undefined)).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_HANDLERS_VALUE' }),
      );
    }));

  test('its statistics count what went through', () =>
    make.bytes(async ({ left, right }) => {
      left.send(Buffer.alloc(10));
      left.send(Buffer.alloc(20));
      await right.receive();
      await right.receive();
      expect(left.stats()).toMatchObject({
        sent: 2,
        sentBytes: 30,
        queuedBytes: 0,
      });
      expect(right.stats()).toMatchObject({
        received: 2,
        receivedBytes: 30,
        bad: 0,
      });
    }));

  test('the drain listener is called once for each time that send said no', () =>
    make.bytes(
      async ({ left, right }) => {
        let drains = 0;
        left.on('drain', () => drains++);
        right.on('message', () => {});
        for (let round = 1; round <= 3; round++) {
          while (left.send(Buffer.alloc(20_000)));
          expect(left.writable).toBe(false);
          expect(left.stats().congestions).toBe(round);
          while (!left.writable) await turns(1);
          expect(drains).toBe(round);
        }
        expect(left.stats()).toMatchObject({ queuedBytes: 0, queuedMessages: 0 });
      },
      { highWaterMark: 100_000 },
    ));

  test('a message above the high-water mark leaves the end writable once it has been taken', () =>
    make.bytes(
      async ({ left, right }) => {
        right.on('message', () => {});
        for (const length of [2_000, 60_000, 70_000]) {
          left.send(Buffer.alloc(length));
          while (!left.writable) await turns(1);
        }
        await left.drained();
      },
      { highWaterMark: 1_000 },
    ));

  test('waiting for a drain ends by its signal and by its time-out, and nothing is lost by that', () =>
    make.bytes(
      async ({ left, right }) => {
        let count = 1;
        while (left.send(Buffer.alloc(20_000, 3))) count++;
        const stop = new AbortController();
        const aborted = left.drained({ signal: stop.signal });
        stop.abort(new Error('enough'));
        await expect(aborted).rejects.toThrow('enough');
        await expect(left.drained({ timeout: 1 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
        for (let i = 0; i < count; i++) expect((await right.receive())?.length).toBe(20_000);
        await left.drained();
      },
      { highWaterMark: 100_000 },
    ));

  test('a batch is no longer than was asked for: other work has its turn in between', () =>
    make.values(
      async ({ left, right }) => {
        let atOnce = 0;
        let most = 0;
        let seen = 0;
        right.on('message', () => {
          seen++;
          most = Math.max(most, ++atOnce);
          if (atOnce === 1) {
            setImmediate(() => {
              atOnce = 0;
            });
          }
        });
        for (let i = 0; i < 100; i++) left.send(i);
        while (seen < 100) await turns(1);
        // Two: a transport may report once more before the loop comes round.
        expect(most).toBeLessThanOrEqual(20);
      },
      { batch: 10 },
    ));

  test('a listener that pauses the channel gets nothing more until it is resumed, and then everything', () =>
    make.values(async ({ left, right }) => {
      const seen: unknown[] = [];
      right.on('message', (value) => {
        seen.push(value);
        right.pause();
      });
      for (let i = 0; i < 4; i++) left.send(i);
      for (let i = 1; i <= 4; i++) {
        while (seen.length < i) await turns(1);
        await turns();
        expect(seen.length).toBe(i);
        right.resume();
      }
      expect(seen).toEqual([0, 1, 2, 3]);
    }));
}
