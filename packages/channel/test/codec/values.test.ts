import { createPrivateKey, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { createContext, runInContext, Script } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesCodec, ChannelError, type Codec, Frame, jsonCodec, msgpackCodec } from '../../src/index.js';

const LONG = { timeout: 120_000 };
const RECORDS = [['held'], ['a', 'b']];

const codecs: Record<string, () => Codec<unknown>> = {
  msgpack: () => msgpackCodec<unknown>(),
  'msgpack with records': () => msgpackCodec<unknown>({ records: RECORDS }),
  json: () => jsonCodec<unknown>(),
  bytes: () => bytesCodec() as Codec<unknown>,
};
const valueCodecs = Object.entries(codecs).filter(([name]) => name !== 'bytes');

/** Encodes, and decodes from the middle of a memory that holds other things, as transports do. */
function there<T>(codec: Codec<T>, value: T): T {
  const frame = new Frame();
  codec.encode(value, frame);
  const memory = Buffer.alloc(frame.length + 32, 0xc1);
  frame.copyTo(memory, 16);
  return codec.decode(memory, 16, 16 + frame.length);
}

type Outcome = { readonly refused: ChannelError } | { readonly arrived: unknown };

function tryThere(codec: Codec<unknown>, value: unknown): Outcome {
  try {
    return { arrived: there(codec, value) };
  } catch (error) {
    if (error instanceof ChannelError && error.code === 'ERR_MILLRACE_UNSENDABLE') return { refused: error };
    throw error;
  }
}

/** Where a value may be in another, and where an error says that it is. */
const places: Record<string, { hold(value: unknown): unknown; path: string }> = {
  itself: { hold: (value) => value, path: 'value' },
  'a property': { hold: (value) => ({ a: { held: value } }), path: 'value.a.held' },
  'an element': { hold: (value) => [1, [value]], path: 'value[1][0]' },
  'a value of a Map': { hold: (value) => new Map([['k', value]]), path: 'value.k' },
  'a key of a Map': { hold: (value) => new Map([[value, 1]]), path: 'value' },
  'a member of a Set': { hold: (value) => new Set(['x', value]), path: 'value.1' },
  'a property beside a Map': { hold: (value) => ({ map: new Map(), held: value }), path: 'value.held' },
  'the cause of an error': { hold: (value) => new Error('no', { cause: value }), path: 'value.cause' },
  'a list of objects': {
    hold: (value) => Array.from({ length: 9 }, (_, i) => ({ i, held: i === 8 ? value : 0 })),
    path: 'value[8].held',
  },
};

/** Arrives equal, or is refused where it is: there is no third. */
function expectNoChange(codec: Codec<unknown>, value: unknown): void {
  for (const { hold, path } of Object.values(places)) {
    const sent = hold(value);
    const outcome = tryThere(codec, sent);
    if ('refused' in outcome) {
      const inMap = sent instanceof Map && path === 'value';
      // JSON refuses the Map, the Set and the error around it.
      if (!inMap && codec.name !== 'json') expect(outcome.refused.path).toContain(path);
    } else expect(isSame(outcome.arrived, sent), `${String(sent)} changed`).toBe(true);
  }
}

/** Errors lose their stack: it is another process's. */
function isSame(arrived: unknown, sent: unknown): boolean {
  if (sent instanceof Error && arrived instanceof Error)
    return (
      arrived.name === sent.name &&
      arrived.message === sent.message &&
      isSame(arrived.cause, sent.cause) &&
      isDeepStrictEqual({ ...arrived }, { ...sent })
    );
  return isDeepStrictEqual(arrived, sent);
}

/** Everything that JavaScript and Node have, and an instance of each class that can be made without arguments or with one. */
function* builtIns(): Iterable<[string, unknown]> {
  const seen = new Set<unknown>();
  const visit = function* (holder: object, path: string, depth: number): Iterable<[string, unknown]> {
    for (const name of Object.getOwnPropertyNames(holder)) {
      // Getters of Node's that warn, or reach for a file.
      if (
        ['localStorage', 'sessionStorage', 'navigator', 'process', 'caller', 'callee', 'arguments'].includes(
          name,
        )
      )
        continue;
      let value: unknown;
      try {
        value = (holder as Record<string, unknown>)[name];
      } catch {
        continue;
      }
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
        continue;
      seen.add(value);
      // The test's own.
      if (/vitest/i.test(name)) continue;
      // No values, but what values inherit.
      if (name === 'prototype') continue;
      yield [`${path}.${name}`, value];
      if (typeof value === 'function' && /^[A-Z]/.test(name)) {
        for (const args of [[], [1], ['a'], [{}], [[]], ['http://localhost'], [() => {}]])
          try {
            const made: unknown = Reflect.construct(value, args);
            if (typeof made === 'object' && made !== null && made !== globalThis) yield [`new ${name}`, made];
            break;
          } catch {
            // Wants other arguments.
          }
      }
      if (depth < 2) yield* visit(value, `${path}.${name}`, depth + 1);
    }
  };
  yield* visit(globalThis, 'globalThis', 0);
}

/** What the walk does not make. */
function others(): [string, unknown][] {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  const { privateKey } = generateKeyPairSync('ed25519');
  const generator = function* () {
    yield 1;
  };
  const asyncGenerator = async function* () {
    yield 1;
  };
  class Inherits {}
  Object.assign(Inherits.prototype, { shared: 1 });
  const SYMBOL = Symbol('s');
  class Symbolic {
    [SYMBOL] = 1;
  }
  return [
    ['an abort signal', AbortSignal.abort()],
    ['headers', new Headers({ a: '1' })],
    ['a URL', new URL('http://localhost/a')],
    ['query parameters', new URLSearchParams('a=1')],
    ['a blob', new Blob(['x'])],
    ['a request', new Request('http://localhost')],
    ['a response', new Response('x')],
    ['a boxed string', new String('hi')],
    ['a boxed number', new Number(5)],
    ['a boxed boolean', new Boolean(false)],
    ['a boxed bigint', Object(5n)],
    ['a boxed symbol', Object(Symbol('s'))],
    ['a symbol', Symbol('s')],
    ['an array iterator', [1].values()],
    ['a Map iterator', new Map([[1, 2]]).entries()],
    ['a string iterator', 'ab'[Symbol.iterator]()],
    ['a generator', generator()],
    ['an async generator', asyncGenerator()],
    ['a promise', Promise.resolve(1)],
    ['a weak reference', new WeakRef({})],
    ['a shared buffer', new SharedArrayBuffer(8)],
    ['a format', new Intl.NumberFormat('en')],
    ['a segmenter', new Intl.Segmenter('en')],
    ['a key', privateKey],
    ['a secret key', createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))],
    ['a port', port1],
    ['a stream', new PassThrough()],
    ['a web stream', new ReadableStream()],
    ['an emitter', new EventEmitter()],
    ['a script', new Script('1')],
    ['web crypto', webcrypto],
    ['a class of certificates', X509Certificate],
    ['Math', Math],
    ['inherited data', new Inherits()],
    ['data behind a symbol', new Symbolic()],
    ['an object of an object', Object.create({ a: 1 })],
    ['a finalization registry', new FinalizationRegistry(() => {})],
  ];
}

describe.each(valueCodecs)('%s', (_, make) => {
  test(
    'nothing that JavaScript or Node has is changed: it arrives equal, or is refused where it is',
    LONG,
    () => {
      let count = 0;
      for (const [name, value] of builtIns()) {
        // JSON sends what `toJSON` makes, by what it is.
        if (make().name === 'json' && typeof (value as { toJSON?: unknown }).toJSON === 'function') continue;
        // Of a class that is not JavaScript's only the name arrives; errors have a test of their own.
        if (value instanceof Error) continue;
        try {
          expectNoChange(make(), value);
        } catch (error) {
          throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
        }
        count++;
      }
      expect(count).toBeGreaterThan(300);
    },
  );

  test.each(others())('%s is refused', (name, value) => {
    const codec = make();
    if (codec.name === 'json' && name === 'a URL')
      return expect(there(codec, value)).toBe('http://localhost/a');
    const { hold, path } = places['a property'] as (typeof places)[string];
    for (const [sent, where] of [
      [value, 'value'],
      [hold(value), path],
    ] as const)
      expect(tryThere(codec, sent)).toMatchObject({
        refused: { code: 'ERR_MILLRACE_UNSENDABLE', path: expect.stringContaining(where) },
      });
  });

  test('any value of JavaScript arrives equal, or is refused', LONG, () => {
    const codec = make();
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: false,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: false,
      values: [
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.double(),
        fc.integer(),
        fc.maxSafeInteger(),
        fc.bigInt(),
        fc.boolean(),
        fc.constantFrom(undefined, null, -0, Number.NaN, Number.NEGATIVE_INFINITY, 2n ** 200n, -(2n ** 63n)),
      ],
    });
    fc.assert(
      fc.property(anything, (value) => {
        const outcome = tryThere(codec, value);
        if ('refused' in outcome) return;
        if (codec.name === 'json') {
          // Properties that are undefined are left out, and a Date is its text, as JSON has it.
          expect(outcome.arrived).toEqual(JSON.parse(JSON.stringify(value)));
          return;
        }
        expect(outcome.arrived).toStrictEqual(value);
        expect(isDeepStrictEqual(outcome.arrived, value)).toBe(true);
      }),
      { numRuns: 4_000, seed: 15 },
    );
  });

  const KEY = Symbol('key');
  test.each<[string, object]>([
    ['an object', { a: 1, [KEY]: 2 }],
    ['an object of nothing else', { [KEY]: undefined }],
    ['an object with a tag', { a: 1, [Symbol.toStringTag]: 'Tagged' }],
    ['an object without a prototype', Object.assign(Object.create(null), { [KEY]: 1 })],
    ['an empty array', Object.assign([], { [KEY]: 1 })],
    ['a short array', Object.assign([1, 'b'], { [KEY]: 1 })],
    ['a long array', Object.assign(new Array(100).fill(0), { [KEY]: 1 })],
    ['an array of fractions', Object.assign([0.5, 1.5], { [KEY]: 1 })],
    ['a large object', { text: 'x'.repeat(20_000), [KEY]: 1 }],
    ['a Set', Object.assign(new Set(['x']), { [KEY]: 1 })],
    ['a Map', Object.assign(new Map([['a', 1]]), { [KEY]: 1 })],
    ['a Date', Object.assign(new Date(0), { [KEY]: 1 })],
    ['a pattern', Object.assign(/a/, { [KEY]: 1 })],
    ['an ArrayBuffer', Object.assign(new ArrayBuffer(4), { [KEY]: 1 })],
    ['an error', Object.assign(new Error('no'), { [KEY]: 1 })],
  ])('a property of %s that is named by a symbol is refused, wherever that is', (name, value) => {
    const codec = make();
    for (const { hold, path } of Object.values(places)) {
      // JSON sends what the Date's toJSON returns.
      if (codec.name === 'json' && name === 'a Date') continue;
      const outcome = tryThere(codec, hold(value));
      const refused = codec.name === 'json' ? 'value' : path;
      expect(outcome).toMatchObject({ refused: { path: expect.stringContaining(refused) } });
    }
  });

  test('the error about a property that is named by a symbol names both', () => {
    expect(() => there<unknown>(make(), { a: [{ [KEY]: 1 }] })).toThrow(
      'value.a[0][Symbol(key)] is a property that is named by a symbol, which cannot be sent to another process.',
    );
  });

  test('what is not enumerable is not seen, symbols neither', () => {
    const value = { a: 1 };
    Object.defineProperty(value, KEY, { value: 1 });
    expect(there<unknown>(make(), [value])).toEqual([{ a: 1 }]);
  });

  test('any value that has a symbol for a name somewhere is refused', LONG, () => {
    const codec = make();
    const named = fc.oneof(fc.object({ maxDepth: 2 }), fc.array(fc.jsonValue(), { maxLength: 12 }));
    fc.assert(
      fc.property(named, fc.jsonValue(), fc.nat(12), (inner, beside, at) => {
        const list: unknown[] = new Array(at).fill(beside);
        list.push({ beside, inner: Object.assign(inner, { [KEY]: 1 }) });
        expect(tryThere(codec, { list })).toHaveProperty('refused');
      }),
      { numRuns: 1_000, seed: 20 },
    );
  });

  test('what every object inherits is not sent, and changes no message', () => {
    const codec = make();
    const sent = { a: 1, b: [{ c: 2 }], d: {} };
    Object.assign(Object.prototype, { polluted: 1 });
    try {
      const arrived = there<unknown>(codec, sent);
      expect(JSON.stringify(arrived)).toBe(JSON.stringify(sent));
    } finally {
      delete (Object.prototype as { polluted?: number }).polluted;
    }
  });

  test('a getter that takes properties away leaves a message that can be read', () => {
    const codec = make();
    const shrinking = () => ({
      get a() {
        delete (this as { b?: number }).b;
        return 1;
      },
      b: 2,
      c: 3,
    });
    const sent = Array.from({ length: 9 }, shrinking);
    const arrived = there<unknown>(codec, { first: shrinking(), sent }) as { sent: object[] };
    expect(arrived.sent).toHaveLength(9);
    for (const one of arrived.sent) expect(one).toMatchObject({ a: 1, c: 3 });
  });

  test('a property named __proto__ is refused, or is one again', () => {
    const codec = make();
    for (const text of [
      '{"__proto__":{"admin":true},"b":1}',
      '[{"a":{"__proto__":1}}]',
      '{"__proto__":null}',
    ]) {
      const value: unknown = JSON.parse(text);
      const outcome = tryThere(codec, value);
      if ('arrived' in outcome) {
        expect(codec.name).toBe('json');
        expect(JSON.stringify(outcome.arrived)).toBe(text);
      } else expect(outcome.refused.path).toMatch(/\.__proto__$/);
    }
  });

  test.each([1, 10, 39, 40, 63, 64, 65, 100, 5_000, 100_000])(
    'texts of %i units arrive whole: a byte-order mark, half a pair, and all that is well-formed',
    (length) => {
      const codec = make();
      for (const unit of ['a', 'ö', '語', '😀', '\ud800', '\udc00', '\ufffd', '\ufeff', '\0', '\uffff']) {
        const filled = unit.repeat(length);
        for (const text of [filled, `\ufeff${filled}`, `${filled}\ud800`, `\udfff${filled}`, `x${filled}`])
          for (const sent of [text, { a: text, b: [text] }]) expect(there(codec, sent)).toStrictEqual(sent);
      }
    },
  );
});

const msgpacks = valueCodecs.filter(([name]) => name !== 'json');

describe.each(msgpacks)('%s', (_, make) => {
  test('what MessagePack has no form for arrives as it was', () => {
    const codec = make();
    const values: unknown[] = [
      -0,
      [-0, 0],
      { a: -0, b: Number.NaN },
      new Date(Number.NaN),
      ...[0, -1, 1, 8.64e15, -8.64e15, 1_700_000_000_123, -62_135_596_800_001, 253_402_300_799_999].map(
        (ms) => new Date(ms),
      ),
      2n ** 63n,
      -(2n ** 63n) - 1n,
      2n ** 2_000n,
      { a: undefined },
      [undefined],
      new Map<unknown, unknown>([
        ['\ud800', -0],
        [undefined, null],
      ]),
      new Set(['\ufeffa']),
      new ArrayBuffer(3),
      new Uint8Array(new SharedArrayBuffer(4)),
    ];
    for (const value of values)
      for (const { hold } of Object.values(places)) {
        const sent = hold(value);
        expect(there(codec, sent)).toStrictEqual(sent);
      }
  });

  test('a RegExp goes on where it was; a buffer that may still grow is refused', () => {
    const codec = make();
    const pattern = /a/g;
    pattern.test('aaa');
    for (const { hold } of Object.values(places)) {
      const sent = hold(pattern);
      expect(isDeepStrictEqual(there(codec, sent), sent)).toBe(true);
    }
    expect(there<unknown>(codec, pattern)).toMatchObject({ source: 'a', flags: 'g', lastIndex: 1 });
    const Growing = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
    expect(tryThere(codec, { a: new Growing(1, { maxByteLength: 8 }) })).toMatchObject({
      refused: { path: 'value.a', message: expect.stringContaining('resizable') },
    });
  });

  test('a Map of a class of its own arrives as a Map', () => {
    class Index extends Map<string, number> {}
    expect(there(make(), { index: new Index([['a', 1]]) })).toStrictEqual({ index: new Map([['a', 1]]) });
  });

  test('an error arrives with its name, message, cause and properties, and the errors in it', () => {
    const codec = make();
    const missing = Object.assign(new TypeError('no', { cause: new RangeError('why') }), {
      code: 'ENOENT',
      detail: { path: '/a', at: new Map([[1, -0]]) },
    });
    const arrived = there(codec, { missing }) as { missing: typeof missing };
    expect(arrived.missing).toBeInstanceOf(TypeError);
    expect(arrived.missing.message).toBe('no');
    expect(arrived.missing.cause).toBeInstanceOf(RangeError);
    expect({ ...arrived.missing }).toStrictEqual({ ...missing });
    expect(Object.keys(arrived.missing)).toEqual(['code', 'detail']);
    const several = new AggregateError([missing, new Error('b')], 'all');
    const all = there<unknown>(codec, several) as AggregateError;
    expect(all).toBeInstanceOf(AggregateError);
    expect(all.errors).toMatchObject([{ code: 'ENOENT' }, { message: 'b' }]);
    expect(Object.keys(all)).toEqual([]);
    class OwnError extends Error {
      override readonly name = 'OwnError';
    }
    expect(there<unknown>(codec, new OwnError('own'))).toMatchObject({ name: 'OwnError', message: 'own' });
    const aborted = there<unknown>(codec, { why: AbortSignal.abort().reason }) as { why: DOMException };
    expect(aborted.why).toBeInstanceOf(DOMException);
    expect(aborted.why).toMatchObject({ name: 'AbortError', code: DOMException.ABORT_ERR });
    expect(tryThere(codec, Object.assign(new Error('no'), { f: () => {} }))).toMatchObject({
      refused: { path: 'value.f' },
    });
  });

  test('objects and arrays of another realm arrive', () => {
    const made = runInContext('({ list: [1, { a: "x" }], none: null })', createContext({})) as unknown;
    expect(there(make(), made)).toEqual({ list: [1, { a: 'x' }], none: null });
  });

  test.each([
    ['whole numbers', (i: number) => i],
    ['fractions', (i: number) => i + 0.5],
    ['texts', (i: number) => `${i}`],
    ['objects', (i: number) => ({ i })],
  ] as const)('an array of any length of %s is whole, and refused with a gap or a name', (_, part) => {
    const codec = make();
    for (const length of [0, 1, 4, 5, 100, 5_000, 70_000]) {
      const list = Array.from({ length }, (_, i) => part(i));
      expect(isDeepStrictEqual(there<unknown>(codec, { list }), { list })).toBe(true);
      const named = Object.assign(list.slice(), { extra: 1 });
      expect(tryThere(codec, { list: named })).toMatchObject({ refused: { path: 'value.list.extra' } });
      // Its values are as many as its elements.
      const both = Object.assign(list.slice(), { extra: 1 });
      if (delete both[length - 1] && length > 0)
        expect(tryThere(codec, both)).toMatchObject({ refused: { path: `value[${length - 1}]` } });
    }
  });

  test('Sets, texts and bytes of every size of header arrive whole', () => {
    const codec = make();
    for (const length of [0, 15, 16, 300, 3_000, 22_000, 70_000, 1_500_000]) {
      const sent = {
        set: new Set(Array.from({ length: Math.min(length, 70_000) }, (_, i) => i)),
        text: 'ä'.repeat(length),
        bytes: Buffer.alloc(length, 7),
        list: [{ at: new Set([{ deep: 'x'.repeat(length) }]) }],
      };
      expect(isDeepStrictEqual(there<unknown>(codec, sent), sent)).toBe(true);
    }
    expect(tryThere(codec, { a: Object.assign(new Set([1]), { extra: 1 }) })).toMatchObject({
      refused: { path: 'value.a.extra' },
    });
  });

  test('what an array has besides its elements is refused by its name, and so are its gaps', () => {
    const codec = make();
    const gap = [1, 2, 3];
    delete gap[1];
    const match = /b/.exec('abc');
    for (const [value, path] of [
      [{ a: gap }, 'value.a[1]'],
      [[match], 'value[0].index'],
      [Object.assign(gap.slice(), { extra: 1 }), 'value[1]'],
      [Object.assign(new Map([[1, 2]]), { extra: 1 }), 'value.extra'],
    ] as const)
      expect(tryThere(codec, value)).toMatchObject({ refused: { path } });
  });

  test('an object of a class arrives as its properties, or as what its toJSON makes', () => {
    class Point {
      x = 1;
      get length() {
        return 1;
      }
      toString() {
        return 'point';
      }
    }
    const CENTS = Symbol('cents');
    class Money {
      readonly [CENTS] = 5;
      toJSON() {
        return { cents: 5 };
      }
    }
    expect(there<unknown>(make(), [new Point(), { money: new Money() }])).toEqual([
      { x: 1 },
      { money: { cents: 5 } },
    ]);
  });
});
