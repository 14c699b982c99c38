/** What others do between a reader's first and its second look at a row. */
import { afterEach, expect, test, vi } from 'vitest';
import { column } from '../../src/index.js';
import { Stage } from './players.js';

/** Called between what a reader has read and its second look. */
let meanwhile: () => void = () => {};

vi.mock('../../src/table/fence.js', () => ({
  fence: () => {
    const once = meanwhile;
    meanwhile = () => {};
    once();
  },
}));
afterEach(() => {
  meanwhile = () => {};
});

const definition = { rows: 1, columns: { id: column.int64(), name: column.string(8) } };

function twoPlayers() {
  const stage = new Stage(definition);
  return { reader: stage.player().table, writer: stage.player().table };
}

test('a row that is changed while it is read is read again', () => {
  const { reader, writer } = twoPlayers();
  writer.set('a', { id: 1, name: 'old' });
  meanwhile = () => writer.set('a', { id: 2, name: 'new' });
  expect(reader.get('a')).toEqual({ id: 2, name: 'new' });
  meanwhile = () => writer.increment('a', 'id');
  expect(reader.get('a', 'id')).toBe(3);
});

test('a row that is deleted while it is read is not there, though another row has its slot', () => {
  const { reader, writer } = twoPlayers();
  writer.set('a', { id: 1, name: 'a' });
  meanwhile = () => {
    writer.delete('a');
    writer.set('b', { id: 2, name: 'b' });
  };
  expect(reader.get('a')).toBeUndefined();
  expect(reader.has('b')).toBe(true);
  meanwhile = () => writer.delete('b');
  expect(reader.has('b')).toBe(false);
});

test('iteration gives the row that is in the slot when it looks for the second time', () => {
  const { reader, writer } = twoPlayers();
  writer.set('a', { id: 1, name: 'a' });
  meanwhile = () => {
    writer.delete('a');
    writer.set('b', { id: 2, name: 'b' });
  };
  expect([...reader]).toEqual([['b', { id: 2, name: 'b' }]]);
});

test('a row that comes back while it is looked for in vain is found', () => {
  const { reader, writer } = twoPlayers();
  writer.set('b', { id: 2 });
  // Something is unlinked, so the walk may have been led astray; and the key is there at the second walk.
  meanwhile = () => {
    writer.delete('b');
    writer.set('a', { id: 1, name: 'a' });
  };
  expect(reader.get('a')).toEqual({ id: 1, name: 'a' });
});

test('a row that is changed again and again while it is read is read from a copy', () => {
  const { reader, writer } = twoPlayers();
  writer.set('a', { id: 0, name: 'n0' });
  let changes = 0;
  const change = () => {
    changes++;
    writer.set('a', { id: changes, name: `n${changes}` });
    if (changes < 20) meanwhile = change;
  };
  meanwhile = change;
  expect(reader.get('a')).toEqual({ id: 20, name: 'n20' });
});
