/**
 * The promises of {@link Channel} as tests, for vitest: a transport's own test file hands over a factory and runs
 * all of them. Written once, so that a transport made elsewhere can be held to the same.
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Channel } from './channel.js';
import { bytesCodec, type Codec } from './codec.js';
import { msgpackCodec } from './msgpack-codec.js';
import type { ChannelOptions } from './transport-channel.js';

export interface ChannelPair<A, B> {
  readonly left: Channel<A, B>;
  readonly right: Channel<A, B>;
  /** Gives up whatever stands behind the two ends; both may be closed already. */
  dispose(): void;
}

export interface ContractSubject {
  /** Two connected ends in this thread. */
  create<A, B>(codec: () => Codec<A, B>, options: ChannelOptions): ChannelPair<A, B>;
  /** Whether the other side's `close` ends this side; a transport that outlives its users cannot say so. */
  readonly endsWithPeer: boolean;
}

const WATCHDOG = { timeout: 30_000 };

export function channelContract(name: string, subject: ContractSubject): void {
  const values = (options: ChannelOptions = {}) => subject.create<unknown, unknown>(msgpackCodec, options);
  const bytes = (options: ChannelOptions = {}) => subject.create<Uint8Array, Buffer>(bytesCodec, options);

  async function using<A, B>(
    pair: ChannelPair<A, B>,
    run: (pair: ChannelPair<A, B>) => Promise<void>,
  ): Promise<void> {
    try {
      await run(pair);
    } finally {
      pair.left.destroy();
      pair.right.destroy();
      pair.dispose();
    }
  }

  describe(`${name} keeps the contract of a channel`, WATCHDOG, () => {
    test('values arrive equal and in the order sent, in both directions', () =>
      using(values(), async ({ left, right }) => {
        const sent = [
          1,
          'two',
          null,
          { three: [3.5] },
          new Map([['four', new Set([4n])]]),
          new Date(5),
          Buffer.from('6'),
        ];
        for (const value of sent) left.send(value);
        for (const value of sent) right.send(value);
        for (const value of sent) expect(await right.receive()).toEqual(value);
        for (const value of sent) expect(await left.receive()).toEqual(value);
      }));

    test('a listener gets every message, in order', () =>
      using(values(), async ({ left, right }) => {
        const total = 5_000;
        const seen: unknown[] = [];
        const all = new Promise<void>((resolve) => {
          right.onMessage((value) => {
            seen.push(value);
            if (seen.length === total) resolve();
          });
        });
        for (let i = 0; i < total; i++) if (!left.send(i)) await left.drained();
        await all;
        expect(seen).toEqual(Array.from({ length: total }, (_, i) => i));
      }));

    test('bytes of any length arrive bytewise equal', () =>
      using(bytes(), async ({ left, right }) => {
        for (const length of [
          0, 1, 7, 8, 9, 63, 64, 65, 1_000, 4_095, 65_535, 65_536, 65_537, 300_001, 2_000_003,
        ]) {
          const message = randomBytes(length);
          left.send(message);
          const got = await right.receive();
          expect(got?.length).toBe(length);
          expect(got?.equals(message)).toBe(true);
        }
      }));

    test('large and small messages sent together keep their order', () =>
      using(bytes(), async ({ left, right }) => {
        const lengths = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 400_000 + i : i));
        const sending = (async () => {
          for (const length of lengths)
            if (!left.send(Buffer.alloc(length, length % 251))) await left.drained();
        })();
        for (const length of lengths) {
          expect((await right.receive())?.equals(Buffer.alloc(length, length % 251))).toBe(true);
        }
        await sending;
      }));

    test('a message over the limit is refused, nothing of it is sent, and the channel goes on', () =>
      using(bytes(), async ({ left, right }) => {
        const tooLarge = new Uint8Array(left.maxMessageSize + 1);
        expect(() => left.send(tooLarge)).toThrow(
          expect.objectContaining({ code: 'ERR_MILLRACE_MESSAGE_TOO_LARGE' }),
        );
        left.send(Buffer.from('next'));
        expect((await right.receive())?.toString()).toBe('next');
      }));

    test('send says no above the high-water mark, drained follows, and nothing is lost', () =>
      using(bytes({ highWaterMark: 100_000 }), async ({ left, right }) => {
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
      }));

    test('above the hard limit a message is refused and the accepted ones arrive', () =>
      using(bytes({ highWaterMark: 10_000, hardLimit: 50_000 }), async ({ left, right }) => {
        const message = Buffer.alloc(10_000, 2);
        let count = 0;
        const flood = () => {
          for (; count < 100_000; count++) left.send(message);
        };
        expect(flood).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_CHANNEL_FULL' }));
        for (let i = 0; i < count; i++) expect((await right.receive())?.equals(message)).toBe(true);
        left.send(Buffer.from('after'));
        expect((await right.receive())?.toString()).toBe('after');
      }));

    test('a paused end takes nothing; resumed, it takes everything', () =>
      using(values(), async ({ left, right }) => {
        const seen: unknown[] = [];
        right.onMessage((value) => seen.push(value));
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
      using(values(), async ({ left, right }) => {
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
      using(values(), async ({ left, right }) => {
        const waits = [right.receive(), right.receive(), right.receive()];
        for (const value of ['a', 'b', 'c']) left.send(value);
        expect(await Promise.all(waits)).toEqual(['a', 'b', 'c']);
      }));

    test('what cannot be sent is refused by the path of it, and the channel goes on', () =>
      using(values(), async ({ left, right }) => {
        const payload = { user: { name: 'ada', socket: () => {} } };
        expect(() => left.send(payload)).toThrow(
          expect.objectContaining({
            code: 'ERR_MILLRACE_UNSENDABLE',
            path: 'value.user.socket',
          }),
        );
        const cycle: { self?: unknown } = {};
        cycle.self = { inner: cycle };
        expect(() => left.send(cycle)).toThrow(
          expect.objectContaining({
            code: 'ERR_MILLRACE_UNSENDABLE',
            path: 'value.self.inner',
          }),
        );
        left.send('fine');
        expect(await right.receive()).toBe('fine');
      }));

    test('bytes that are no message are counted, reported and skipped', async () => {
      const lenient: Codec<unknown> = {
        ...msgpackCodec<unknown>(),
        encode: (value, frame) =>
          value instanceof Uint8Array ? frame.setBody(value) : msgpackCodec<unknown>().encode(value, frame),
      };
      await using(
        subject.create(() => lenient, {}),
        async ({ left, right }) => {
          const errors: unknown[] = [];
          right.onBadMessage((error) => errors.push(error));
          left.send(Buffer.from([0xc1, 0xff, 0x00]));
          left.send('good');
          expect(await right.receive()).toBe('good');
          expect(errors).toMatchObject([{ code: 'ERR_MILLRACE_BAD_MESSAGE' }]);
          expect(right.stats().bad).toBe(1);
        },
      );
    });

    test('close sends what was accepted; closing twice does nothing; sending afterwards is an error', () =>
      using(values(), async ({ left, right }) => {
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
      using(bytes(), async ({ left }) => {
        while (left.send(Buffer.alloc(60_000)));
        await expect(left.close({ timeout: 5 })).rejects.toMatchObject({ code: 'ERR_MILLRACE_TIMEOUT' });
        expect(left.closed).toBe(true);
      }));

    test('messages go to a listener or to those who ask, never to both', () =>
      using(values(), async ({ right }) => {
        right.onMessage(() => {});
        await expect(right.receive()).rejects.toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_LISTENING' });
      }));

    test('a closed end releases those that wait on it', () =>
      using(values(), async ({ right }) => {
        const waiting = right.receive();
        right.destroy();
        expect(await waiting).toBeUndefined();
      }));

    if (subject.endsWithPeer) {
      test('iteration gives every message and ends when the other side has closed', () =>
        using(values(), async ({ left, right }) => {
          for (let i = 0; i < 10; i++) left.send(i);
          await left.close();
          const seen: unknown[] = [];
          for await (const value of right) seen.push(value);
          expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
          expect(right.closed).toBe(true);
        }));
    }

    test('its statistics count what went through', () =>
      using(bytes(), async ({ left, right }) => {
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
  });
}
