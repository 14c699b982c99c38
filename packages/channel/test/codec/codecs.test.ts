import fc from 'fast-check';
import { decode } from 'msgpackr';
import { expect, test } from 'vitest';
import { bytesCodec, type Codec, Frame, jsonCodec, msgpackCodec } from '../../src/index.js';

const LONG = { timeout: 60_000 };

/** Encodes, and decodes from the middle of a memory that holds other things, as transports do. */
function there<T>(codec: Codec<T>, value: T, peer = codec): T {
  const frame = new Frame();
  codec.encode(value, frame);
  const memory = Buffer.alloc(frame.length + 32, 0xc1);
  frame.copyTo(memory, 16);
  return peer.decode(memory, 16, 16 + frame.length);
}

test('any JSON value arrives equal by JSON and by MessagePack, with records and without', () => {
  const [json, plain, agreed] = [
    jsonCodec<unknown>(),
    msgpackCodec<unknown>(),
    msgpackCodec<unknown>({ records: [['a', 'b'], ['id']] }),
  ];
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const expected = JSON.parse(JSON.stringify(value)) as unknown;
      expect(there(json, value)).toEqual(expected);
      if (JSON.stringify(value).includes('__proto__')) return;
      expect(there(plain, value)).toEqual(value);
      expect(there(agreed, { a: value, b: [{ id: value }] })).toEqual({ a: value, b: [{ id: value }] });
    }),
    { seed: 4, numRuns: 1_000 },
  );
});

test('an object of an agreed record is sent without the names of its properties', () => {
  const frame = new Frame();
  const lengthWith = (codec: Codec<unknown>) => {
    codec.encode({ aLongPropertyName: 1, anotherLongPropertyName: 2 }, frame);
    return frame.length;
  };
  const records = [['aLongPropertyName', 'anotherLongPropertyName']];
  // The fingerprint, the record's number, two small integers.
  expect(lengthWith(msgpackCodec({ records }))).toBe(4 + 1 + 2);
  expect(lengthWith(msgpackCodec())).toBeGreaterThan(40);
});

test('what one end has sent does not change what it has agreed on', () => {
  const records = [['id']];
  const [one, other] = [msgpackCodec<unknown>({ records }), msgpackCodec<unknown>({ records })];
  for (let i = 0; i < 100; i++) there(one, { [`name${i}`]: i }, other);
  for (const value of [{ id: 1 }, { name5: 2, id: 3 }, [{ id: { id: 4 } }]])
    expect(there(one, value, other)).toEqual(value);
});

test('JSON keeps to what toJSON says, and names what it would lose in silence', () => {
  const codec = jsonCodec<unknown>();
  const at = new Date(0);
  expect(there(codec, { at, gone: undefined })).toEqual({ at: at.toJSON() });
  const cycle: unknown[] = [];
  cycle.push({ inner: cycle });
  class Point {
    x = 1;
    f = Symbol('s');
  }
  const refused: [unknown, string, string][] = [
    [undefined, 'value', 'undefined'],
    [cycle, 'value[0].inner', 'a reference back to an object that contains it'],
    [{ a: [Number.POSITIVE_INFINITY] }, 'value.a[0]', 'Infinity'],
    [{ bytes: Buffer.from('x') }, 'value.bytes', 'a Buffer'],
    [{ a: { b: Promise.resolve() } }, 'value.a.b', 'a Promise'],
    [{ point: new Point() }, 'value.point.f', 'a symbol'],
    [[1, undefined, 3], 'value[1]', 'undefined'],
    [new Array(2), 'value[0]', 'missing in its array'],
  ];
  for (const [value, path, what] of refused) {
    expect(() => there(codec, value)).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_UNSENDABLE',
        path,
        message: expect.stringContaining(what),
      }),
    );
  }
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(() => there(codec, deep)).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_UNSENDABLE' }));
});

test('MessagePack keeps what JSON does not, and refuses what has no meaning elsewhere', () => {
  const codec = msgpackCodec<unknown>();
  const value = new Map<unknown, unknown>([
    ['set', new Set([1n, -(2n ** 63n)])],
    [5, new Float64Array([0.5, Number.NaN])],
    ['re', /a+/gi],
    ['date', new Date(1_234)],
  ]);
  expect(there(codec, value)).toEqual(value);
  expect(there(codec, new RangeError('no'))).toMatchObject({ message: 'no' });
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  for (const refused of [deep, { a: new Map([['k', () => {}]]) }, Symbol('s')]) {
    expect(() => there(codec, refused)).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_UNSENDABLE' }));
  }
});

/** What throws for any reason when it is looked at. */
const trap = (part: string) => ({
  get [part](): never {
    throw new Error('not now');
  },
});

test('a property that throws is named by its path, whatever else is in the value', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const nameless = new Map([[Object.create(null) as object, trap('bad')]]);
  const refused: [unknown, string | undefined][] = [
    [trap('bad'), 'value.bad'],
    [{ a: [1, { b: trap('bad') }] }, 'value.a[1].b.bad'],
    [{ map: new Map([['key', trap('bad')]]) }, 'value.map.key.bad'],
    [[1, revoked.proxy], 'value[1]'],
    [nameless, undefined],
  ];
  for (const codec of [
    msgpackCodec<unknown>(),
    msgpackCodec<unknown>({ records: [['a']] }),
    jsonCodec<unknown>(),
  ]) {
    for (const [value, path] of refused) {
      const expected = { code: 'ERR_MILLRACE_UNSENDABLE' };
      const named = path !== undefined && !(codec.name === 'json' && path.includes('map'));
      expect(() => there(codec, value)).toThrow(
        expect.objectContaining(named ? { ...expected, path } : expected),
      );
    }
    expect(there(codec, { a: 'fine' })).toEqual({ a: 'fine' });
  }
});

test('a typed array of a class of its own is refused where it is, and the others arrive', () => {
  class Vector extends Float64Array {}
  class Bytes extends Uint8Array {}
  class Shown extends Float64Array {
    toJSON() {
      return [...this];
    }
  }
  class Holder {
    shown = new Shown([1]);
    toJSON() {
      return 'a holder';
    }
  }
  const failure = Object.assign(new TypeError('no'), { code: 'E' });
  const fine = [
    [new Float64Array([0.5]), new Uint8Array([1]), new Int16Array([2]), new BigInt64Array([3n])],
    {
      bytes: Buffer.from('x'),
      set: new Set([new Uint32Array([1])]),
      map: new Map([['k', new Float32Array([2])]]),
    },
    new DataView(new ArrayBuffer(8)),
  ];
  const strange: [unknown, string][] = [
    [new Vector(2), 'value'],
    [new Error('no', { cause: new Vector(1) }), 'value.cause'],
    [Object.assign(new TypeError('no'), { vector: new Vector(1) }), 'value.vector'],
    [{ a: [1, { b: new Vector(0) }] }, 'value.a[1].b'],
    [{ a: [new Set(['x', new Bytes(1)])] }, 'value.a[0].1'],
    [
      new Map<unknown, unknown>([
        ['f', new Float64Array(1)],
        ['v', new Vector(1)],
      ]),
      'value.v',
    ],
  ];
  for (const codec of [msgpackCodec<unknown>(), msgpackCodec<unknown>({ records: [['a']] })]) {
    for (const value of fine) expect(there(codec, value)).toEqual(value);
    expect(there(codec, [new Shown([1, 2]), new Holder()])).toEqual([[1, 2], 'a holder']);
    expect(there(codec, { failure })).toMatchObject({ failure: { message: 'no', code: 'E' } });
    for (const [value, path] of strange) {
      expect(() => there(codec, value)).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_UNSENDABLE', path }),
      );
    }
  }
});

test('a Map arrives as a Map and an object as an object, wherever they are, and whatever was sent before', () => {
  const codec = msgpackCodec<unknown>();
  const map = new Map<unknown, unknown>([[1, { name: 'ada' }]]);
  for (const value of [map, { map }, [{ a: [map] }, {}], { a: 1 }, new Map(), { a: {} }]) {
    for (let i = 0; i < 2; i++) expect(there(codec, value)).toStrictEqual(value);
  }
});

test('objects travel as the maps of MessagePack, and lists of them without repeated names', () => {
  const codec = msgpackCodec<unknown>();
  const frame = new Frame();
  codec.encode({ a: 1 }, frame);
  expect(decode(frame.body.subarray(frame.bodyStart, frame.bodyEnd))).toEqual({ a: 1 });
  // What another library packs: a map of one entry, in its shortest form.
  expect(codec.decode(Buffer.of(0x81, 0xa1, 0x61, 0x01), 0, 4)).toEqual({ a: 1 });
  const files = Array.from({ length: 50 }, (_, i) => ({ nameOfTheFile: i }));
  codec.encode({ files }, frame);
  expect(frame.length).toBeLessThan(50 * 'nameOfTheFile'.length);
  expect(there(codec, { files })).toStrictEqual({ files });
});

test('an object of more properties than a map of msgpackr has room for is sent all the same', LONG, () => {
  const entries = Array.from({ length: 66_000 }, (_, i) => [`p${i}`, i] as const);
  const value: Record<string, number> = Object.fromEntries(entries);
  expect(JSON.stringify(there(msgpackCodec<unknown>(), value))).toBe(JSON.stringify(value));
});

test('a message without bytes is no message, whatever lies around it', () => {
  const memory = Buffer.from([1, 2, 3]);
  for (const codec of [msgpackCodec(), msgpackCodec({ records: [['a']] }), jsonCodec()]) {
    for (const at of [0, 2]) {
      expect(() => codec.decode(memory, at, at)).toThrow(
        expect.objectContaining({ code: 'ERR_MILLRACE_BAD_MESSAGE' }),
      );
    }
  }
  expect(bytesCodec().decode(memory, 1, 1)).toHaveLength(0);
});
