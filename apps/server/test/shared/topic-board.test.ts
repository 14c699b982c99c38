import { expect, test } from 'vitest';
import { asPeer } from '../../src/contract/ids.js';
import { TopicBoard } from '../../src/shared/topic-board.js';
import { TOPIC_BITS, topicBoardBytes, topicNumber } from '../../src/shared/topic-layout.js';

const [FIRST, SECOND] = [asPeer(0), asPeer(1)];
const board = () => new TopicBoard(new ArrayBuffer(topicBoardBytes(3)), 3);

test('a topic has the same number in every server, whatever its version', () => {
  expect(['news', 'room.1', 'room.2', 'ä', '😀'].map(topicNumber)).toEqual([2804, 11702, 520, 7017, 12000]);
});

test('numbers of topics lie in the row, and few topics share one', () => {
  const numbers = new Set(Array.from({ length: 1_000 }, (_, room) => topicNumber(`room.${room}`)));
  expect(Math.max(...numbers)).toBeLessThan(TOPIC_BITS);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  // By chance 970 of them are different.
  expect(numbers.size).toBeGreaterThan(940);
});

test('what a process subscribes to is told of that process alone', () => {
  const topics = board();
  topics.add(FIRST, 31);
  topics.add(FIRST, 32);
  expect([31, 32, 33].map((topic) => topics.has(FIRST, topic))).toEqual([true, true, false]);
  expect(topics.has(SECOND, 31)).toBe(false);
  topics.delete(FIRST, 31);
  expect([31, 32].map((topic) => topics.has(FIRST, topic))).toEqual([false, true]);
});

test('a process that takes a place says what it subscribes to, and nothing of the one before is left', () => {
  const topics = board();
  for (const topic of [1, 2, TOPIC_BITS - 1]) topics.add(SECOND, topic);
  topics.write(SECOND, [2, 700]);
  expect([1, 2, 700, TOPIC_BITS - 1].filter((topic) => topics.has(SECOND, topic))).toEqual([2, 700]);
  topics.write(SECOND, []);
  expect([...topics.all()]).toEqual([]);
});

test('the topics of all processes are each told once, in the order of their numbers', () => {
  const topics = board();
  topics.write(FIRST, [0, 31, TOPIC_BITS - 1]);
  topics.write(SECOND, [31, 32]);
  expect([...topics.all()]).toEqual([0, 31, 32, TOPIC_BITS - 1]);
});
