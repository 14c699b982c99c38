import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { within } from '@millrace/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { column, Table } from '../../src/index.js';
import { columns } from './fixtures/table-rows.js';

const PROCESSES = 4;
/** Of each process; with those that all share, as many as the table has rows: it is full again and again. */
const KEYS = 50;
const SHARED = 8;
const OPERATIONS = 1_000_000;

const program = new URL('../../dist-test/table/fixtures/table-model.js', import.meta.url).pathname;

interface Outcome {
  readonly rows: [key: string, row: unknown][];
  readonly sums: Record<string, number>;
}

test('random operations of 4 processes leave what an in-process model of each says, and every read was right', async () => {
  using table = Table.anonymous({ rows: PROCESSES * KEYS + SHARED, columns });
  const run = async (own: number): Promise<Outcome> => {
    const args = [own, KEYS, SHARED, OPERATIONS / PROCESSES].map(String);
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit', table.descriptor],
    });
    const [output, [code]] = await Promise.all([
      text(child.stdout as NodeJS.ReadableStream),
      once(child, 'exit'),
    ]);
    expect(code).toBe(0);
    return JSON.parse(output) as Outcome;
  };
  const outcomes = await within(
    'the end of all processes',
    Promise.all(Array.from({ length: PROCESSES }, (_, own) => run(own))),
    300_000,
  );
  const sums = new Map<string, number>();
  for (const { sums: part } of outcomes) {
    for (const [key, sum] of Object.entries(part)) sums.set(key, (sums.get(key) ?? 0) + sum);
  }
  const expected = new Map(outcomes.flatMap(({ rows }) => rows));
  for (const [key, hits] of sums) expected.set(key, { id: 0, name: '', score: 0, hits });
  expect(new Map([...table])).toEqual(expected);
  const { num, insertCount, deleteCount, availableSliceNum, totalSliceNum, recoveredCount } = table.stats();
  expect(num).toBe(expected.size);
  expect(insertCount - deleteCount).toBe(num);
  expect(availableSliceNum).toBe(totalSliceNum - num);
  expect(recoveredCount).toBe(0);
}, 320_000);

type Command =
  | {
      readonly type: 'set' | 'add' | 'update';
      readonly key: string;
      readonly values: { id?: number; name?: string };
    }
  | { readonly type: 'delete' | 'get'; readonly key: string }
  | { readonly type: 'increment'; readonly key: string; readonly by: number };

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.string({ minLength: 1, maxLength: 15, unit: 'grapheme' }),
);
const values = fc.record(
  { id: fc.maxSafeInteger(), name: fc.string({ maxLength: 12, unit: 'binary' }) },
  { requiredKeys: [] },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constantFrom('set', 'add', 'update'), key, values }),
  fc.record({ type: fc.constantFrom('delete', 'get'), key }),
  fc.record({ type: fc.constant('increment'), key, by: fc.integer() }),
) as fc.Arbitrary<Command>;

test('any sequence of operations does what it does to a Map of so many rows', () => {
  const rows = 8;
  const definition = { rows, keyBytes: 200, columns: { id: column.int64(), name: column.string(48) } };
  const property = fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
    using table = Table.anonymous(definition);
    const model = new Map<string, { id: number; name: string }>();
    for (const command of commands) {
      const { type, key } = command;
      const there = model.get(key);
      const room = there !== undefined || model.size < rows;
      const old = there ?? { id: 0, name: '' };
      if (type === 'set') {
        expect(table.set(key, command.values)).toBe(room);
        if (room) model.set(key, { ...old, ...command.values });
      } else if (type === 'add') {
        expect(table.add(key, command.values)).toBe(there ? 'exists' : room ? 'added' : 'full');
        if (!there && room) model.set(key, { ...old, ...command.values });
      } else if (type === 'update') {
        expect(table.update(key, command.values)).toBe(there !== undefined);
        if (there) model.set(key, { ...old, ...command.values });
      } else if (type === 'delete') {
        expect(table.delete(key)).toBe(model.delete(key));
      } else if (type === 'increment') {
        const sum = old.id + command.by;
        if (Number.isSafeInteger(sum)) {
          expect(table.increment(key, 'id', command.by)).toBe(room ? sum : undefined);
          if (room) model.set(key, { ...old, id: sum });
        } else {
          expect(() => table.increment(key, 'id', command.by)).toThrow(/safe integer/);
        }
      } else {
        expect(table.get(key)).toEqual(there);
      }
    }
    expect(new Map([...table])).toEqual(model);
    expect(table.count).toBe(model.size);
  });
  fc.assert(property, { numRuns: 200, seed: 5 });
});
