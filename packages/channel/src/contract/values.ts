import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { bytesCodec, type Codec } from '../codec/codec.js';
import { jsonCodec } from '../codec/json-codec.js';
import { msgpackCodec } from '../codec/msgpack-codec.js';
import { type Maker, turns } from './subject.js';

/** What goes in comes out: the codecs over this transport. */
export function valuesContract(make: Maker): void {
  test('values arrive equal and in the order sent, in both directions', () =>
    make.values(async ({ left, right }) => {
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

  test('a message that is undefined is one, and not the end', () =>
    make.values(async ({ left, right }) => {
      const sent = ['one', undefined, 'two', undefined];
      for (const value of sent) left.send(value);
      const none = Symbol('none');
      expect(await right.receive({ none })).toBe('one');
      expect(await right.receive({ none })).toBeUndefined();
      const rest: unknown[] = [];
      for await (const value of right) {
        rest.push(value);
        if (rest.length === 2) break;
      }
      expect(rest).toEqual(['two', undefined]);
      expect(right.tryReceive(none)).toBe(none);
      expect(right.tryReceive()).toBeUndefined();
      left.send(undefined);
      left.flush();
      let taken: unknown = none;
      while (taken === none) {
        taken = right.tryReceive(none);
        await turns(1);
      }
      expect(taken).toBeUndefined();
    }));

  test('bytes of any length arrive bytewise equal', () =>
    make.bytes(async ({ left, right }) => {
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
    make.bytes(async ({ left, right }) => {
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

  test('what cannot be sent is refused by the path of it, and the channel goes on', () =>
    make.values(async ({ left, right }) => {
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
    await make.using(
      () => lenient,
      async ({ left, right }) => {
        const errors: unknown[] = [];
        right.on('badMessage', (error) => errors.push(error));
        left.send(Buffer.from([0xc1, 0xff, 0x00]));
        left.send('good');
        expect(await right.receive()).toBe('good');
        expect(errors).toMatchObject([{ code: 'ERR_MILLRACE_BAD_MESSAGE' }]);
        expect(right.stats().bad).toBe(1);
      },
    );
  });

  test('JSON arrives as JSON, and what JSON would lose is refused by its path', () =>
    make.using(
      () => jsonCodec<unknown>(),
      async ({ left, right }) => {
        const sent = [null, true, -1.5, 'žluťoučký 🐎', [[]], { a: { b: [1, 'x'.repeat(200_000)] } }];
        for (const value of sent) left.send(value);
        for (const value of sent) expect(await right.receive()).toEqual(value);
        const payloads: [unknown, string][] = [
          [{ user: { socket: () => {} } }, 'value.user.socket'],
          [{ sizes: [1, Number.NaN] }, 'value.sizes[1]'],
          [{ at: [{ big: 1n }] }, 'value.at[0].big'],
          [{ seen: new Set([1]) }, 'value.seen'],
          [[1, undefined], 'value[1]'],
        ];
        for (const [payload, path] of payloads) {
          expect(() => left.send(payload)).toThrow(
            expect.objectContaining({ code: 'ERR_MILLRACE_UNSENDABLE', path }),
          );
        }
        left.send('fine');
        expect(await right.receive()).toBe('fine');
      },
    ));

  test('records that both ends know travel without their names; with those of another they are no message', async () => {
    const records = [['path', 'size']];
    await make.using(
      () => msgpackCodec<unknown>({ records }),
      async ({ left, right }) => {
        const sent = [{ path: '/a', size: 1 }, { other: [{ path: '/b', size: 2 }] }, 'three'];
        for (const value of sent) left.send(value);
        for (const value of sent) expect(await right.receive()).toEqual(value);
        expect(left.stats().sentBytes).toBe(right.stats().receivedBytes);
      },
    );
    let ends = 0;
    await make.using(
      () => msgpackCodec<unknown>({ records: ends++ === 0 ? records : [['size', 'path']] }),
      async ({ left, right }) => {
        const errors: unknown[] = [];
        right.on('badMessage', (error) => errors.push(error));
        right.on('message', () => {});
        left.send({ path: '/a', size: 1 });
        while (errors.length === 0) await turns(1);
        expect(errors).toMatchObject([{ code: 'ERR_MILLRACE_BAD_MESSAGE' }]);
      },
    );
  });

  test('a listener may be given views of the bytes, and nobody else', () =>
    make.using(
      () => bytesCodec({ view: true }),
      async ({ left, right }) => {
        await expect(right.receive()).rejects.toMatchObject({ code: 'ERR_MILLRACE_CHANNEL_BORROWS' });
        const lengths = [0, 1, 100, 5_000, 200_000];
        const seen: boolean[] = [];
        right.on('message', (view) =>
          seen.push(view.equals(Buffer.alloc(lengths[seen.length] ?? -1, seen.length))),
        );
        for (const [i, length] of lengths.entries()) left.send(Buffer.alloc(length, i));
        while (seen.length < lengths.length) await turns(1);
        expect(seen).toEqual(lengths.map(() => true));
      },
    ));
}
