import { expect, test } from 'vitest';
import {
  bytesCodec,
  checkHandlers,
  checkOptions,
  createMemoryPair,
  didYouMean,
  msgpackCodec,
  optionNames,
} from '../../src/index.js';

const KNOWN = optionNames<{ timeout?: number; retries?: number; whenFull?: string }>({
  timeout: true,
  retries: true,
  whenFull: true,
});

test.each([
  ['timout', 'timeout'],
  ['retry', 'retries'],
  ['whenfull', 'whenFull'],
  ['TimeOut', 'timeout'],
])('the option %s is refused, and %s named', (wrong, near) => {
  expect(() => checkOptions({ [wrong]: 1 }, KNOWN, 'A task')).toThrow(
    expect.objectContaining({
      code: 'ERR_MILLRACE_UNKNOWN_OPTION',
      argument: wrong,
      value: 1,
      message: `A task has no option '${wrong}'; did you mean '${near}'?`,
    }),
  );
});

test('what is like none of them gets the list; what is undefined is not there; what is right passes', () => {
  expect(didYouMean('x', ['timeout', 'retries'])).toBe('; there are: timeout, retries.');
  for (const fine of [undefined, {}, { timeout: 1 }, { timout: undefined }])
    expect(() => checkOptions(fine, KNOWN, 'A task')).not.toThrow();
  expect(() => createMemoryPair(() => msgpackCodec(), { highWatermark: 5 } as object)).toThrow(
    "did you mean 'highWaterMark'?",
  );
});

const WRONG = { timout: 1, sgnal: 1, recrds: 1, veiw: 1 } as object;
const [left] = createMemoryPair(() => msgpackCodec<unknown>());

test.each<[string, () => unknown]>([
  ['receive()', () => left.receive(WRONG)],
  ['drained()', () => left.drained(WRONG)],
  ['messages()', () => left.messages(WRONG).next()],
  ['close()', () => left.close(WRONG)],
  ['msgpackCodec()', () => msgpackCodec(WRONG)],
  ['bytesCodec()', () => bytesCodec(WRONG)],
])('%s refuses a misspelt option and goes on', async (name, call) => {
  await expect((async () => call())()).rejects.toMatchObject({
    code: 'ERR_MILLRACE_UNKNOWN_OPTION',
    message: expect.stringContaining(`${name} has no option 'timout'`),
  });
  expect(left.send(1)).toBe(true);
});

test('a name that is near none is not suggested one; the beginning of one stands for it', () => {
  expect(didYouMean('listeners', ['fastOpen', 'port', 'host'])).toBe('; there are: fastOpen, port, host.');
  expect(didYouMean('listeners', ['title', 'listen'])).toBe("; did you mean 'listen'?");
  expect(didYouMean('alpn', ['cert', 'alpnProtocols'])).toBe("; did you mean 'alpnProtocols'?");
});

test('misspelt handlers are refused, and an object of a class may hold what it likes besides', () => {
  class Own {
    state = 1;
    timeout() {}
  }
  expect(() => checkHandlers(new Own(), KNOWN, 'a task')).not.toThrow();
  expect(() => checkHandlers({ timout() {} }, KNOWN, 'a task')).toThrow(
    "The handlers of a task have no 'timout'; did you mean 'timeout'?",
  );
  for (const none of [undefined, null, 5])
    expect(() => checkHandlers(none, KNOWN, 'a task', 'events')).toThrow(
      expect.objectContaining({
        code: 'ERR_MILLRACE_HANDLERS_VALUE',
        message: `The events of a task are an object with functions, not ${none}.`,
      }),
    );
});
