import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const millrace = spawn('node_modules/.bin/millrace', ['start', '--workers', '2', 'app.js'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(millrace, 'exit');
let port: string | undefined;
for await (const line of createInterface(millrace.stdout)) {
  port = /"msg":"port (\d+)"/.exec(line)?.[1];
  if (port !== undefined) break;
}
assert.ok(port !== undefined, 'the program has told its port');
millrace.stdout.resume();
const response = await fetch(`http://127.0.0.1:${port}/`);
assert.equal(await response.text(), 'hello');
millrace.kill('SIGTERM');
assert.deepEqual(await ended, [0, null]);
