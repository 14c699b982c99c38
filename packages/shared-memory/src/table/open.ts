import { checkOptions, optionNames } from '@millrace/channel';
import { SharedMemoryError } from '../errors.js';
import type { SegmentName } from '../segment/name.js';
import type { SegmentTrust } from '../segment/options.js';
import { Segment } from '../segment/segment.js';
import type { Columns } from './columns.js';
import {
  assertDefinition,
  type Definition,
  define,
  type OpenDefinition,
  type TableDefinition,
} from './definition.js';
import { type Engine, engineOver, type TableUse } from './engine.js';
import { attachTable, formatTable, layoutFor } from './memory.js';

export interface TableOptions extends TableUse, SegmentTrust {
  /** Of a named table that is made, as of a file: 0o600 to 0o666. Default 0o600. */
  readonly permissions?: number | undefined;
}

const TABLE_OPTIONS = optionNames<TableOptions>({
  permissions: true,
  trustedUsers: true,
  lockTimeout: true,
  now: true,
  unknownColumns: true,
});
const DEFINITION = optionNames<TableDefinition<Columns>>({
  rows: true,
  columns: true,
  keyBytes: true,
  ttl: true,
  eviction: true,
  owners: true,
});

/** A table that is open in this thread. */
export interface Opened {
  readonly engine: Engine;
  readonly segment: Segment | undefined;
  readonly closed: () => boolean;
}

const KIND = 'table';

export function createTable(
  name: SegmentName,
  definition: TableDefinition<Columns>,
  options: TableOptions,
): Opened {
  assertDefinition(definition);
  checkOptions(definition, DEFINITION, 'The definition of a table');
  checkOptions(options, TABLE_OPTIONS, 'A table');
  return openIn(Segment.create(name, segmentFor(define(definition), options)), definition, options);
}

export function openTable(
  name: SegmentName,
  definition: OpenDefinition<Columns>,
  options: TableOptions,
): Opened {
  assertDefinition(definition);
  checkOptions(definition, DEFINITION, 'The definition of a table');
  checkOptions(options, TABLE_OPTIONS, 'A table');
  const { trustedUsers } = options;
  return openIn(Segment.open(name, { kind: KIND, trustedUsers }), definition, options);
}

/** Not by Segment.openOrCreate: that would say of another table no more than that its size is another. */
export function openOrCreateTable(
  name: SegmentName,
  definition: TableDefinition<Columns>,
  options: TableOptions,
): Opened {
  assertDefinition(definition);
  checkOptions(definition, DEFINITION, 'The definition of a table');
  checkOptions(options, TABLE_OPTIONS, 'A table');
  const found = define(definition);
  for (;;) {
    const segment =
      unless('ERR_MILLRACE_SEGMENT_MISSING', () =>
        Segment.open(name, { kind: KIND, trustedUsers: options.trustedUsers }),
      ) ?? unless('ERR_MILLRACE_SEGMENT_EXISTS', () => Segment.create(name, segmentFor(found, options)));
    if (segment !== undefined) return openIn(segment, definition, options);
  }
}

export function anonymousTable(definition: TableDefinition<Columns>, options: TableOptions): Opened {
  assertDefinition(definition);
  checkOptions(definition, DEFINITION, 'The definition of a table');
  checkOptions(options, TABLE_OPTIONS, 'A table');
  return openIn(Segment.anonymous(segmentFor(define(definition), options)), definition, options);
}

export function tableFrom(
  descriptor: number,
  definition: OpenDefinition<Columns>,
  options: TableOptions,
): Opened {
  assertDefinition(definition);
  checkOptions(definition, DEFINITION, 'The definition of a table');
  checkOptions(options, TABLE_OPTIONS, 'A table');
  return openIn(Segment.fromDescriptor(descriptor, { kind: KIND }), definition, options);
}

/** The table behind a descriptor, whatever its definition: for what tells of tables, and knows none. */
export function tableAsItIs(descriptor: number): Opened {
  return openIn(Segment.fromDescriptor(descriptor, { kind: KIND }), undefined, {});
}

/** Every slot that has a row, in their order; another thread's or this one's changes do not disturb. */
export function* rowsOf(
  { engine, closed }: Opened,
  decode: boolean,
): Generator<{ readonly key: string; readonly row: unknown }> {
  for (let slot = 0; slot < engine.memory.layout.rows; slot++) {
    if (closed()) refuseClosed();
    const found = engine.reader.slot(slot, decode);
    if (found !== undefined) yield found;
  }
}

export function refuseClosed(): never {
  throw new SharedMemoryError(
    'ERR_MILLRACE_CLOSED',
    'This table has been closed here. Open it again to use it.',
  );
}

function segmentFor(definition: Definition, { permissions }: TableOptions) {
  return {
    kind: KIND,
    size: layoutFor(definition).bytes,
    owners: definition.owners,
    ...(permissions === undefined ? {} : { permissions }),
    initialise: ({ buffer, byteOffset }: Segment) => formatTable(buffer, byteOffset, definition),
  };
}

function openIn(segment: Segment, asked: OpenDefinition<Columns> | undefined, options: TableOptions): Opened {
  try {
    const memory = attachTable(segment.buffer, segment.byteOffset, asked);
    const engine = engineOver(memory, segment.owners, options);
    return { engine, segment, closed: () => segment.closed };
  } catch (error) {
    segment.close();
    throw error;
  }
}

function unless<T>(code: string, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof SharedMemoryError && error.code === code) return undefined;
    throw error;
  }
}
