import { expect, test } from 'vitest';
import { type Maker, turns } from './subject.js';

/** How a channel ends, and how those that wait on it learn of that. */
export function lifetimeContract(make: Maker): void {
  test('close sends what was accepted; closing twice does nothing; sending afterwards gives undefined', () =>
    make.values(async ({ left, right }) => {
      for (let i = 0; i < 100; i++) left.send(i);
      const closing = left.close();
      for (let i = 0; i < 100; i++) expect(await right.receive()).toBe(i);
      await closing;
      await left.close();
      expect(left.closed).toBe(true);
      expect(left.send('late')).toBeUndefined();
      expect(await left.receive()).toBeUndefined();
    }));

  test('close gives up when nobody reads, and says so', () =>
    make.bytes(async ({ left }) => {
      while (left.send(Buffer.alloc(60_000)));
      await expect(left.close({ timeout: 5 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
      expect(left.closed).toBe(true);
    }));

  test('a closed end releases those that wait on it', () =>
    make.values(async ({ right }) => {
      const waiting = right.receive();
      right.destroy();
      expect(await waiting).toBeUndefined();
    }));

  if (make.subject.endsWithPeer) {
    test('iteration gives every message and ends when the other side has closed', () =>
      make.values(async ({ left, right }) => {
        for (let i = 0; i < 10; i++) left.send(i);
        await left.close();
        const seen: unknown[] = [];
        for await (const value of right) seen.push(value);
        expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        expect(right.closed).toBe(true);
      }));

    test('an end that only sends learns that the other side has closed; nobody waits for a drain any more', () =>
      make.bytes(async ({ left, right }) => {
        while (left.send(Buffer.alloc(60_000)));
        let over = false;
        // What can no longer arrive may have been dropped first.
        const draining = left.drained().then(
          () => {},
          (error: unknown) => expect(error).toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_CLOSED' }),
        );
        left.on('close', () => {
          over = true;
        });
        right.destroy();
        await draining;
        while (!over) await turns(1);
      }));

    test('an end that only listens for the end hears of it, also when nobody has read what came before', () =>
      make.values(async ({ left, right }) => {
        let ends = 0;
        left.on('close', () => ends++);
        await turns();
        expect(ends).toBe(0);
        right.send('never read');
        await right.drained();
        right.destroy();
        while (ends === 0) await turns(1);
        expect(await left.receive()).toBe('never read');
        expect(await left.receive()).toBeUndefined();
        expect([ends, left.closed]).toEqual([1, true]);
      }));

    test('an end that listens for the end after the other side has closed hears of it', () =>
      make.values(async ({ left, right }) => {
        right.destroy();
        await turns();
        const closed = new Promise<void>((resolve) => left.on('close', () => resolve()));
        await closed;
        expect(left.closed).toBe(true);
      }));

    test('whoever has read hears of the end after what was sent, also between two messages', () =>
      make.values(async ({ left, right }) => {
        const order: unknown[] = [];
        left.on('close', () => order.push('end'));
        for (const value of ['a', 'b', 'c']) right.send(value);
        await right.drained();
        order.push(await left.receive());
        await right.close();
        await turns();
        for (let i = 0; i < 2; i++) {
          order.push(await left.receive());
          await turns();
        }
        expect(await left.receive()).toBeUndefined();
        expect(order).toEqual(['a', 'b', 'c', 'end']);
      }));

    test('an end that sends to one that has closed takes first what that one had sent', () =>
      make.values(async ({ left, right }) => {
        for (let i = 0; i < 5; i++) right.send(i);
        await right.close();
        const seen: unknown[] = [];
        for await (const value of left) {
          seen.push(value);
          if (!left.closed) left.send('to nobody');
          await turns();
        }
        expect(seen).toEqual([0, 1, 2, 3, 4]);
      }));

    test('what cannot be sent any more keeps nobody from taking what the other side had sent', () =>
      make.bytes(async ({ left, right }) => {
        for (const text of ['one', 'two']) right.send(Buffer.from(text));
        await right.drained();
        while (left.send(Buffer.alloc(60_000)));
        const draining = left.drained();
        right.destroy();
        await draining;
        left.send(Buffer.from('to nobody'));
        for (const text of ['one', 'two']) expect((await left.receive())?.toString()).toBe(text);
        expect(await left.receive()).toBeUndefined();
      }));

    test('an end that only looks learns that the other side has closed, after what it had sent', () =>
      make.values(async ({ left, right }) => {
        for (let i = 0; i < 10; i++) left.send(i);
        await left.close();
        const seen: unknown[] = [];
        while (!right.closed) {
          const value = right.tryReceive();
          if (value === undefined) await turns(1);
          else seen.push(value);
        }
        expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }));
  }

  test('those that wait for a drain learn that the channel is closed', () =>
    make.bytes(async ({ left }) => {
      while (left.send(Buffer.alloc(60_000)));
      const draining = left.drained();
      left.destroy();
      await expect(draining).rejects.toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_CLOSED' });
      await expect(left.drained()).rejects.toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_CLOSED' });
    }));

  test('each handler for the end is called once, with the error that was given, also one that is added afterwards', () =>
    make.values(async ({ left }) => {
      const ends: unknown[] = [];
      const never = () => ends.push('removed');
      left
        .on('close', (error) => ends.push(1, error))
        .on('close', never)
        .on('close', (error) => ends.push(2, error))
        .off('close', never);
      const error = new Error('why');
      left.destroy(error);
      left.destroy();
      await left.close();
      expect(ends).toEqual([1, error, 2, error]);
      left.on('close', (late) => ends.push(3, late));
      await turns();
      expect(ends.slice(4)).toEqual([3, error]);
    }));

  test('iteration ends by its signal; what was not taken is there for the next one who asks', () =>
    make.values(async ({ left, right }) => {
      for (const value of ['a', 'b']) left.send(value);
      for await (const value of right) {
        expect(value).toBe('a');
        break;
      }
      expect(await right.receive()).toBe('b');
      const stop = new AbortController();
      const iterating = right.messages({ signal: stop.signal }).next();
      stop.abort(new Error('enough'));
      await expect(iterating).rejects.toThrow('enough');
      left.send('c');
      expect(await right.receive()).toBe('c');
    }));

  test('nothing that was sent after the end of a listener is delivered to it', () =>
    make.values(async ({ left, right }) => {
      const seen: unknown[] = [];
      right.on('message', (value) => {
        seen.push(value);
        right.destroy();
      });
      for (let i = 0; i < 10; i++) left.send(i);
      await turns();
      while (seen.length === 0) await turns(1);
      await turns();
      expect(seen).toEqual([0]);
    }));
}
