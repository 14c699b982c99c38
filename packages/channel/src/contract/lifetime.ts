import { expect, test } from 'vitest';
import { type Maker, turns } from './subject.js';

/** How a channel ends, and how those that wait on it learn of that. */
export function lifetimeContract(make: Maker): void {
  test('close sends what was accepted; closing twice does nothing; sending afterwards is an error', () =>
    make.values(async ({ left, right }) => {
      for (let i = 0; i < 100; i++) left.send(i);
      const closing = left.close();
      for (let i = 0; i < 100; i++) expect(await right.receive()).toBe(i);
      await closing;
      await left.close();
      expect(left.closed).toBe(true);
      expect(() => left.send('late')).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_CHANNEL_CLOSED' }),
      );
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
  }

  test('those that wait for a drain learn that the channel is closed', () =>
    make.bytes(async ({ left }) => {
      while (left.send(Buffer.alloc(60_000)));
      const draining = left.drained();
      left.destroy();
      await expect(draining).rejects.toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_CLOSED' });
      await expect(left.drained()).rejects.toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_CLOSED' });
    }));

  test('the listener for the end is called once, with the error that was given', () =>
    make.values(async ({ left }) => {
      const ends: unknown[] = [];
      left.onClose((error) => ends.push(error));
      const error = new Error('why');
      left.destroy(error);
      left.destroy();
      await left.close();
      expect(ends).toEqual([error]);
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
      right.onMessage((value) => {
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
