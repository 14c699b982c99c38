import { type Framing, type LengthType, lengthTypes } from '@millrace/reactor';
import { createFramer, FrameInput } from '@millrace/reactor/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const MAX = 4_096;

/** What a framing makes of a stream that comes in these pieces; undefined where it becomes malformed. */
function frames(
  framing: Framing,
  pieces: readonly Buffer[],
  max = MAX,
  shared = 1_024,
): string[] | undefined {
  const input = new FrameInput(createFramer(framing, max), Buffer.alloc(shared));
  const out: string[] = [];
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      input.prepare();
      const count = piece.copy(input.target, input.offset, at);
      expect(count).toBeGreaterThan(0);
      at += count;
      const fine = input.take(
        count,
        (memory, start, end) => out.push(memory.toString('latin1', start, end)),
        () => true,
      );
      if (!fine) return undefined;
    }
  }
  return out;
}

function split(stream: Buffer, ...at: number[]): Buffer[] {
  const edges = [0, ...at, stream.length];
  return edges.slice(1).map((edge, i) => stream.subarray(edges[i], edge));
}

/** A frame with a length field of any type, as the framing below expects it. */
function lengthFrame(type: LengthType, offset: number, bodyOffset: number, body: number): Buffer {
  const size = Number(/\d+/.exec(type)?.[0]) / 8;
  const total = Math.max(bodyOffset + body, offset + size);
  const frame = Buffer.alloc(total, 'b');
  let value = BigInt(total - bodyOffset);
  for (let i = 0; i < size; i++, value >>= 8n) {
    frame[offset + (type.endsWith('be') ? size - 1 - i : i)] = Number(value & 0xffn);
  }
  return frame;
}

/** Frames of every kind, some shorter and some longer than half of the shared memory. */
const SIZES = [0, 1, 5, 300, 700, 2];
const streams: [string, Framing, string[], Buffer][] = [];
for (const delimiter of ['\n', '\r\n\r\n', 'aab', '12345678']) {
  const bodies = SIZES.map((size) => 'a'.repeat(size));
  const stream = Buffer.from(bodies.map((body) => body + delimiter).join(''));
  streams.push([`eof ${JSON.stringify(delimiter)}`, { kind: 'eof', delimiter }, bodies, stream]);
  const whole = bodies.map((body) => body + delimiter);
  streams.push([
    `eof ${JSON.stringify(delimiter)} included`,
    { kind: 'eof', delimiter, includeDelimiter: true },
    whole,
    stream,
  ]);
}
for (const type of lengthTypes) {
  const size = Number(/\d+/.exec(type)?.[0]) / 8;
  for (const [offset, bodyOffset] of [
    [0, 0],
    [0, size],
    [3, size + 5],
  ] as const) {
    const sizes = size === 1 ? [8, 100, 1, 20] : SIZES;
    const each = sizes.map((body) => lengthFrame(type, offset, bodyOffset, body));
    const framing: Framing = { kind: 'length', type, offset, bodyOffset };
    const expected = each.map((frame) => frame.toString('latin1'));
    streams.push([
      `length ${type} at ${offset}, body at ${bodyOffset}`,
      framing,
      expected,
      Buffer.concat(each),
    ]);
  }
}
const byFunction = SIZES.map((size) =>
  Buffer.concat([Buffer.from(`${size + 5}:    `.slice(0, 5)), Buffer.alloc(size, 'f')]),
);
streams.push([
  'function',
  {
    kind: 'function',
    measure: (bytes, start, end) =>
      end - start < 5 ? 0 : Number.parseInt(bytes.toString('latin1', start, start + 4), 10),
  },
  byFunction.map((frame) => frame.toString('latin1')),
  Buffer.concat(byFunction),
]);

describe('a stream gives the same frames wherever it is split', () => {
  test.each(streams)('%s', (_name, framing, expected, stream) => {
    expect(frames(framing, [stream])).toEqual(expected);
    for (let at = 1; at < stream.length; at++) expect(frames(framing, split(stream, at))).toEqual(expected);
    const bytes = Array.from(stream, (_byte, i) => stream.subarray(i, i + 1));
    expect(frames(framing, bytes)).toEqual(expected);
  });

  test('at any number of places, with any bodies', () => {
    const body = fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n'), maxLength: 600 });
    const cuts = fc.array(fc.nat(4_000), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(body, { maxLength: 8 }), cuts, (bodies, places) => {
        const framing: Framing = { kind: 'eof', delimiter: '\r\n', includeDelimiter: true };
        const text = bodies.map((each) => `${each}\r\n`).join('');
        const expected = text === '' ? [] : text.split(/(?<=\r\n)/);
        const at = places.filter((place) => place < text.length).sort((a, b) => a - b);
        expect(frames(framing, split(Buffer.from(text), ...at))).toEqual(expected);
        const lengths = bodies.map((each) => lengthFrame('uint32be', 0, 4, each.length));
        const whole = Buffer.concat(lengths);
        const pieces = split(whole, ...places.filter((place) => place < whole.length).sort((a, b) => a - b));
        expect(frames({ kind: 'length' }, pieces)).toEqual(lengths.map((each) => each.toString('latin1')));
      }),
    );
  });
});

test('large frames whose memory is used again come as they were sent, between small ones and on other streams', () => {
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 20, max: 200 }), fc.integer({ min: 15_000, max: 90_000 })),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1_000, max: 300_000 }), (lengths, piece) => {
      const sent = lengths.map((length, i) => {
        const frame = lengthFrame('uint32be', 0, 4, length);
        return frame.fill(97 + i, 4);
      });
      const stream = Buffer.concat(sent);
      const places = Array.from({ length: Math.floor(stream.length / piece) }, (_, i) => (i + 1) * piece);
      const got = frames({ kind: 'length' }, split(stream, ...places), 1 << 20, 1 << 16);
      expect(got?.map((text) => text.length)).toEqual(sent.map((frame) => frame.length));
      for (const [i, frame] of sent.entries()) expect(got?.[i] === frame.toString('latin1')).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('the memory of a large frame that goes on is not given to another stream', () => {
  const [one, two] = [1, 2].map(
    () => new FrameInput(createFramer({ kind: 'length' }, 1 << 20), Buffer.alloc(1 << 17)),
  );
  const out: string[] = [];
  const feed = (input: FrameInput, bytes: Buffer) => {
    input.prepare();
    const count = bytes.copy(input.target, input.offset);
    input.take(
      count,
      (memory, start, end) => out.push(memory.toString('latin1', start + 4, end)),
      () => true,
    );
  };
  const frame = (letter: string) => lengthFrame('uint32be', 0, 4, 40_000).fill(letter, 4);
  for (const letter of ['a', 'b']) {
    const [first, second] = [frame(letter), frame(letter.toUpperCase())];
    feed(one as FrameInput, first.subarray(0, 20_000));
    feed(two as FrameInput, second.subarray(0, 30_000));
    feed(one as FrameInput, first.subarray(20_000));
    feed(two as FrameInput, second.subarray(30_000));
  }
  expect(out).toEqual(['a', 'A', 'b', 'B'].map((letter) => letter.repeat(40_000)));
});

describe('limits', () => {
  test('a frame of exactly the limit passes, one byte more is malformed, whole or not', () => {
    for (const size of [99, 100, 101]) {
      const fine = size <= 100;
      const line = Buffer.from(`${'x'.repeat(size - 1)}\n`);
      expect(frames({ kind: 'eof', delimiter: '\n' }, [line], 100) !== undefined).toBe(fine);
      expect(frames({ kind: 'eof', delimiter: '\n', split: false }, [line], 100) !== undefined).toBe(fine);
      const frame = lengthFrame('uint16be', 0, 2, size - 2);
      expect(frames({ kind: 'length', type: 'uint16be', bodyOffset: 2 }, [frame], 100) !== undefined).toBe(
        fine,
      );
      expect(frames({ kind: 'function', measure: () => size }, [frame], 100) !== undefined).toBe(fine);
    }
    expect(frames({ kind: 'eof', delimiter: '\n' }, [Buffer.alloc(101)], 100)).toBeUndefined();
    expect(frames({ kind: 'length' }, [Buffer.from([0x7f, 0, 0, 0])], 100)).toBeUndefined();
    expect(frames({ kind: 'function', measure: () => 0 }, [Buffer.alloc(101)], 100)).toBeUndefined();
  });

  test('without framing, each read is a frame, cut at the limit', () => {
    const pieces = [Buffer.from('one'), Buffer.from('three'), Buffer.from('1234567')];
    expect(frames({ kind: 'none' }, pieces, 5)).toEqual(['one', 'three', '12345', '67']);
  });

  test.each(lengthTypes.filter((type) => type.startsWith('int')))('a negative %s is malformed', (type) => {
    const field = Buffer.alloc(8, 0xff);
    expect(frames({ kind: 'length', type, bodyOffset: 100 }, [field])).toBeUndefined();
  });

  test('a length that does not count its own header is malformed', () => {
    expect(
      frames({ kind: 'length', type: 'uint16be', bodyOffset: 0 }, [Buffer.from([0, 1])]),
    ).toBeUndefined();
    expect(frames({ kind: 'length', type: 'uint16be', bodyOffset: 0 }, [Buffer.from([0, 2])])).toHaveLength(
      1,
    );
  });

  test('an 8-byte length beyond 2^53 is malformed and not rounded to a short one', () => {
    const field = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect(frames({ kind: 'length', type: 'uint64be', bodyOffset: 8 }, [field])).toBeUndefined();
    expect(frames({ kind: 'length', type: 'uint64le', bodyOffset: 8 }, [field])).toBeUndefined();
  });

  test.each([Number.NaN, 1.5, -1, Number.POSITIVE_INFINITY])(
    'a function that says %d makes the stream malformed',
    (length) => {
      expect(frames({ kind: 'function', measure: () => length }, [Buffer.alloc(3)])).toBeUndefined();
    },
  );

  test('what a function throws is kept for the owner, until it is called for the next stream', () => {
    const measure = (bytes: Buffer) => {
      if (bytes.length === 1) throw new Error('no such frame');
      return -1;
    };
    const framer = createFramer({ kind: 'function', measure });
    expect(framer.measure(Buffer.alloc(1), 0, 1, 0)).toBe(-1);
    expect(framer.error).toEqual(new Error('no such frame'));
    expect(framer.measure(Buffer.alloc(2), 0, 2, 0)).toBe(-1);
    expect(framer.error).toBeUndefined();
  });

  test.each<[string, Framing]>([
    ['an empty delimiter', { kind: 'eof', delimiter: '' }],
    ['one of 9 bytes', { kind: 'eof', delimiter: '123456789' }],
    ['one of 9 bytes', { kind: 'eof', delimiter: '123456789', split: false }],
    ['an unknown type', { kind: 'length', type: 'uint24be' as LengthType }],
    ['an offset beyond the limit', { kind: 'length', offset: MAX + 1 }],
    ['a negative body offset', { kind: 'length', bodyOffset: -1 }],
    ['a measure that is no function', { kind: 'function', measure: 5 as never }],
  ])('%s is an error', (_name, framing) => {
    expect(() => createFramer(framing, MAX)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_FRAMING' }),
    );
  });
});

test('G39 thousands of 2-byte packets that hold their own length come out one by one', () => {
  const stream = Buffer.alloc(2 * 5_000);
  for (let i = 0; i < stream.length; i += 2) stream.writeUInt16BE(2, i);
  const framing: Framing = { kind: 'length', type: 'uint16be', bodyOffset: 0 };
  for (const piece of [1, 3, 1_000, stream.length]) {
    const pieces = Array.from({ length: Math.ceil(stream.length / piece) }, (_x, i) =>
      stream.subarray(i * piece, (i + 1) * piece),
    );
    expect(frames(framing, pieces)).toEqual(Array(5_000).fill('\0\x02'));
  }
});

test('eof check delivers what has come once it ends with the delimiter, several frames glued together', () => {
  const framing: Framing = { kind: 'eof', delimiter: '\r\n', split: false };
  expect(
    frames(framing, [
      Buffer.from('one\r\ntwo\r\n'),
      Buffer.from('thr'),
      Buffer.from('ee\r'),
      Buffer.from('\n'),
    ]),
  ).toEqual(['one\r\ntwo', 'three']);
  const whole: Framing = { ...framing, includeDelimiter: true };
  expect(frames(whole, [Buffer.from('one\r\n'), Buffer.from('two\r\nx')])).toEqual(['one\r\n']);
});

test('a long frame takes its memory once, however small its pieces are', () => {
  const input = new FrameInput(createFramer({ kind: 'length' }, 1 << 20), Buffer.alloc(1_024));
  const frame = lengthFrame('uint32be', 0, 4, 500_000);
  const targets = new Set<Buffer>();
  let visited = 0;
  for (let at = 0; at < frame.length; ) {
    input.prepare();
    targets.add(input.target);
    const count = frame.copy(input.target, input.offset, at, Math.min(at + 777, frame.length));
    at += count;
    input.take(
      count,
      (_memory, start, end) => (visited = end - start),
      () => true,
    );
  }
  expect(visited).toBe(frame.length);
  expect(targets.size).toBe(2);
});
