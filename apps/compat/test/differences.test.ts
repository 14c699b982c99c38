import { expect, test } from 'vitest';
import { pollsOfOneSession } from '../dist/kinds/socket-io.js';
import { PLAIN, Served, startCommand } from '../dist/start.js';
import { Exchange, request } from '../dist/wire/exchange.js';

const COMMAND = startCommand();
const IS_BASE = process.env.COMPAT_MODE === 'base';

/** Of a worker that does not have the session. */
const UNKNOWN = 'HTTP/1.1 400 Bad Request {"code":1,"message":"Session ID unknown"}';

test(`a session of Socket.IO that polls is ${IS_BASE ? 'known to one worker alone' : 'answered by whatever connection'} of ${COMMAND.name}`, async () => {
  await using plain = await Served.start('socket-io.js', PLAIN);
  await using candidate = await Served.start('socket-io.js', COMMAND);
  const [expected] = await pollsOfOneSession(plain);
  expect(expected).toBe('HTTP/1.1 200 OK ok');
  const seen = new Set(await pollsOfOneSession(candidate));
  expect(seen).toEqual(new Set(IS_BASE ? [expected, UNKNOWN] : [expected]));
});

test(`an idle connection is kept for ${IS_BASE ? '5' : '75'} s by ${COMMAND.name} where the program says nothing`, async () => {
  await using candidate = await Served.start('inspect.js', COMMAND);
  using connection = await Exchange.open(candidate);
  await connection.ask(request('GET', '/'));
  const [answer] = await connection.answered();
  const told = answer?.headers.find(([name]) => name === 'Keep-Alive');
  expect(told).toEqual(['Keep-Alive', `timeout=${IS_BASE ? '5' : '75'}`]);
});
