import { nats } from '@millrace/task-nats/bus';
import { expect, test } from 'vitest';

test('nats() fills in where NATS is, and the name', () => {
  expect(nats().options).toMatchObject({ servers: ['nats://127.0.0.1:4222'], name: 'millrace' });
  expect(nats({ servers: ['a', 'b'], name: 'c', user: 'u', pass: 'p' }).options).toMatchObject({
    servers: ['a', 'b'],
    name: 'c',
    user: 'u',
    pass: 'p',
  });
});

test.each([
  ['an option that there is not', { server: '' }, 'ERR_MILLRACE_UNKNOWN_OPTION', /'server'/],
  ['an empty name', { name: '' }, 'ERR_MILLRACE_BROKER_OPTION', /'name' must be 1 to 64/],
  ['a name of two parts', { name: 'a.b' }, 'ERR_MILLRACE_BROKER_OPTION', /'name'.*a\.b/],
  ['a name with a wildcard', { name: 'a>' }, 'ERR_MILLRACE_BROKER_OPTION', /'name'/],
  ['a name that is no text', { name: 7 }, 'ERR_MILLRACE_BROKER_OPTION', /'name'.*7/],
  ['servers that are none', { servers: [] }, 'ERR_MILLRACE_BROKER_OPTION', /'servers'/],
  [
    'a server that is no text',
    { servers: [4222] },
    'ERR_MILLRACE_BROKER_OPTION',
    /'servers' must be an address/,
  ],
  ['another engine', { servers: 'redis://10.0.0.7' }, 'ERR_MILLRACE_BROKER_OPTION', /'servers'.*redis:/],
  ['a number of servers', { servers: 7 }, 'ERR_MILLRACE_BROKER_OPTION', /'servers'.*7/],
])('nats() refuses %s', (_what, options, code, message) => {
  expect(() => nats(options as never)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});

test('what is told of a wrong address has no password', () => {
  let said: Error | undefined;
  try {
    nats({ servers: 'redis://user:secret@10.0.0.7' });
  } catch (error) {
    said = error as Error;
  }
  expect(said?.message).toContain('redis://…@10.0.0.7');
  expect(JSON.stringify({ ...said, message: said?.message })).not.toContain('secret');
});
