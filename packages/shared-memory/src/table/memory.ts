import { randomInt } from 'node:crypto';
import { SharedMemoryError } from '../errors.js';
import type { Columns } from './columns.js';
import {
  type Definition,
  definitionText,
  differences,
  MAX_BYTES,
  type OpenDefinition,
  parseDefinition,
} from './definition.js';
import * as layout from './layout.js';
import { publish, put } from './stores.js';

/** Node's buffers with the methods below `toString` and `write`, which cost half as much. */
export interface TextBuffer extends Buffer {
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, start: number, length: number): number;
}

/**
 * Views of the same bytes. What is loaded through one is 0 beyond its end (`?? 0`): only damaged contents lead there, and a
 * chain ends with a 0. The compiler checks the bounds in any case.
 */
export interface Views {
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly longs: BigInt64Array;
  readonly bytes: TextBuffer;
}

/** A table that is there, and where its parts lie. */
export interface TableMemory extends Views {
  readonly definition: Definition;
  readonly layout: layout.TableLayout;
  readonly seed: number;
}

const WORD = 4;
const LONG = 8;
const BITS = 32;

export function viewsOf(buffer: ArrayBuffer, byteOffset: number, length: number): Views {
  return {
    words: new Int32Array(buffer, byteOffset, Math.floor(length / WORD)),
    floats: new Float64Array(buffer, byteOffset, Math.floor(length / LONG)),
    longs: new BigInt64Array(buffer, byteOffset, Math.floor(length / LONG)),
    bytes: Buffer.from(buffer, byteOffset, length) as TextBuffer,
  };
}

/** The layout of a table of this definition. Throws `ERR_MILLRACE_TABLE_DEFINITION` when it is too large. */
export function layoutFor(definition: Definition): layout.TableLayout {
  const found = layout.layoutOf(definition, Buffer.byteLength(definitionText(definition)));
  if (found.bytes > MAX_BYTES) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_DEFINITION',
      `Table definition: ${definition.rows} rows of ${found.rowWords * WORD} bytes would take ${found.bytes} bytes; the ` +
        `limit is ${MAX_BYTES}. Make it of fewer or smaller rows.`,
    );
  }
  return found;
}

/** Makes an empty table in zeroed memory, at `byteOffset`, a multiple of 64. `seed`: of the hashes, 32 bits. */
export function formatTable(
  buffer: ArrayBuffer,
  byteOffset: number,
  definition: Definition,
  seed = randomInt(2 ** BITS),
): void {
  const { hintsAt, hintWords, bytes, textBytes } = layoutFor(definition);
  const views = viewsOf(buffer, byteOffset, bytes);
  views.bytes.write(definitionText(definition), layout.TEXT_BYTE);
  views.words.fill(-1, hintsAt, hintsAt + hintWords);
  const rest = definition.rows % BITS;
  if (rest > 0) put(views.words, hintsAt + hintWords - 1, 2 ** rest - 1);
  put(views.words, layout.FORMAT_WORD, layout.VERSION);
  put(views.words, layout.SEED_WORD, seed);
  put(views.words, layout.TEXT_WORD, textBytes);
  // Publishes all of the above to the load in attachTable.
  publish(views.words, layout.MAGIC_WORD, layout.MAGIC);
}

/**
 * Finds the table at `byteOffset` of memory, up to its end. Throws `ERR_MILLRACE_TABLE_CORRUPT` when something else
 * is there and `ERR_MILLRACE_TABLE_MISMATCH` when it is not the table that was asked for; undefined: any is.
 */
export function attachTable(
  buffer: ArrayBuffer,
  byteOffset: number,
  asked: OpenDefinition<Columns> | undefined,
): TableMemory {
  const room = buffer.byteLength - byteOffset;
  const all = viewsOf(buffer, byteOffset, room);
  // Pairs with the store in formatTable.
  const magic = room > layout.TEXT_BYTE ? Atomics.load(all.words, layout.MAGIC_WORD) : 0;
  const format = all.words[layout.FORMAT_WORD] ?? 0;
  if (magic !== layout.MAGIC || format !== layout.VERSION) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_CORRUPT',
      `Expected a table (magic, version ${layout.MAGIC}, ${layout.VERSION}), found ${magic}, ${format}.`,
    );
  }
  const text = all.bytes.toString(
    'utf8',
    layout.TEXT_BYTE,
    layout.TEXT_BYTE + (all.words[layout.TEXT_WORD] ?? 0),
  );
  const definition = parseDefinition(text);
  const found = definition && layoutFor(definition);
  if (found === undefined || found.bytes > room) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_CORRUPT',
      `A table says that it is ${JSON.stringify(text)}, which ${room} bytes cannot hold.`,
    );
  }
  const different = asked === undefined ? [] : differences(definition as Definition, asked);
  if (different.length > 0) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_TABLE_MISMATCH',
      `The table is not the one that was asked for: ${different.join('; ')}.`,
    );
  }
  return {
    ...viewsOf(buffer, byteOffset, found.bytes),
    definition: definition as Definition,
    layout: found,
    seed: all.words[layout.SEED_WORD] ?? 0,
  };
}
