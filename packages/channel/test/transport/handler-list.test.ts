import { expect, test } from 'vitest';
import { HandlerList } from '../../src/transport/handler-list.js';

test('a single handler is what is called, without anything in between', () => {
  const list = new HandlerList<string>();
  const handler = () => {};
  expect(list.call).toBeUndefined();
  list.add(handler);
  expect(list.call).toBe(handler);
  list.add(() => {});
  expect(list.call).not.toBe(handler);
  list.clear();
  expect(list.call).toBeUndefined();
});

test('a handler that was added twice is called twice, and removed once at a time', () => {
  const list = new HandlerList<string>();
  const seen: string[] = [];
  const twice = (value: string) => void seen.push(value);
  list.add(twice);
  list.add(twice);
  list.call?.('a');
  list.remove(twice);
  list.remove(() => {});
  list.call?.('b');
  expect(seen).toEqual(['a', 'a', 'b']);
});

test('a handler that throws keeps no other from being called; what was thrown comes out', () => {
  const list = new HandlerList<string>();
  const seen: string[] = [];
  const [first, second] = [new Error('first'), new Error('second')];
  list.add(() => {
    throw first;
  });
  list.add((value) => void seen.push(value));
  expect(() => list.call?.('a')).toThrow(first);
  list.add(() => {
    throw second;
  });
  expect(() => list.call?.('b')).toThrow(expect.objectContaining({ errors: [first, second] }));
  expect(seen).toEqual(['a', 'b']);
});
