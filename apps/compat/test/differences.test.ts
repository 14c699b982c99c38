import { expect, test } from 'vitest';
import { pollsOfOneSession } from '../dist/kinds/socket-io.js';
import { PLAIN, Served, startCommand } from '../dist/start.js';

const COMMAND = startCommand();

/** Of a worker that does not have the session. */
const UNKNOWN = 'HTTP/1.1 400 Bad Request {"code":1,"message":"Session ID unknown"}';

test(`a session of Socket.IO that polls is known to one worker alone of ${COMMAND.name}`, async () => {
  await using plain = await Served.start('socket-io.js', PLAIN);
  await using candidate = await Served.start('socket-io.js', COMMAND);
  const [expected] = await pollsOfOneSession(plain);
  expect(expected).toBe('HTTP/1.1 200 OK ok');
  const seen = new Set(await pollsOfOneSession(candidate));
  expect(seen).toEqual(new Set([expected, UNKNOWN]));
});
