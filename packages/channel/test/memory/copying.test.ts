import { copyBytes, Slabs, WordCopier } from '@millrace/channel/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** Bytes, none of them 0, of which each differs from its neighbours. */
const source = Buffer.from(Array.from({ length: 700 }, (_, i) => 1 + ((i * 7) % 251)));

/** A memory of zeros that begins at any byte of its own. */
const memory = (offset: number, length: number) => new Uint8Array(new ArrayBuffer(offset + length), offset);

const place = { start: fc.nat(300), length: fc.nat(400), offset: fc.nat(99) };

describe('a piece is copied whole, and nothing beside it is touched', () => {
  test('by copyBytes', () => {
    fc.assert(
      fc.property(place.start, place.length, place.offset, (start, length, offset) => {
        const target = memory(0, 512);
        copyBytes(source, start, start + length, target, offset);
        const expected = memory(0, 512);
        for (let i = 0; i < length; i++) expected[offset + i] = source[start + i] as number;
        expect(target).toEqual(expected);
      }),
    );
  });

  test('by words, wherever the pieces and the memories lie', () => {
    const pieces = fc.array(fc.tuple(place.start, place.length, place.offset), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(pieces, fc.nat(4), fc.nat(4), fc.nat(3), (each, sourceAt, targetAt, cut) => {
        const from = memory(sourceAt, source.length - cut);
        from.set(source.subarray(0, from.length));
        const target = memory(targetAt, 503);
        const expected = target.slice();
        const copier = new WordCopier(target);
        // The first piece of a source goes the long way; the others by words.
        for (const [start, length, offset] of [[0, 1, 0] as const, ...each]) {
          copier.copy(from, start, Math.min(start + length, from.length), offset);
          expected.set(from.subarray(start, start + length), offset);
          expect(target).toEqual(expected);
        }
      }),
    );
  });

  test('by words up to the last byte of either memory', () => {
    for (const length of [61, 62, 63, 64]) {
      const [from, target] = [source.slice(0, length), memory(0, length)];
      const copier = new WordCopier(target);
      for (let start = 0; start < length; start++) {
        target.fill(0);
        copier.copy(from, start, length, 0);
        expect(target.subarray(0, length - start)).toEqual(Uint8Array.from(from.subarray(start)));
        target.fill(0);
        copier.copy(from, 0, length - start, start);
        expect(target.subarray(start)).toEqual(Uint8Array.from(from.subarray(0, length - start)));
      }
    }
  });

  test('from several sources in turn', () => {
    const target = memory(0, 8);
    const copier = new WordCopier(target);
    const sources = ['abcdefgh', 'ABCDEFGH'].map((text) => Buffer.from(text));
    for (const from of [...sources, ...sources, sources[1], sources[1]] as Buffer[]) {
      copier.copy(from, 0, 8, 0);
      expect(target).toEqual(Uint8Array.from(from));
    }
  });
});

test('messages that are cut from slabs keep their bytes, and overlap nowhere', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(300), fc.nat(400)), { maxLength: 200 }), (pieces) => {
      const slabs = new Slabs();
      const copies = pieces.map(([start, length]) => slabs.copy(source, start, start + length));
      for (const [i, copy] of copies.entries()) {
        const [start, length] = pieces[i] as [number, number];
        expect(copy.equals(source.subarray(start, start + length))).toBe(true);
        copy.fill(0);
      }
    }),
    { numRuns: 50 },
  );
});

test('a small message begins where any typed array can', () => {
  const slabs = new Slabs();
  for (const length of [3, 8, 17, 64]) {
    const { buffer, byteOffset } = slabs.copy(source, 1, 1 + length);
    expect(() => new Float64Array(buffer, byteOffset, length >> 3)).not.toThrow();
  }
});
