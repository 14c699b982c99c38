import assert from 'node:assert/strict';
import { Process } from '@millrace/process-pool';

const doubler = new Process<number, number>(new URL('./child.js', import.meta.url));
doubler.start();
doubler.write(21);
assert.equal(await doubler.read({ timeout: 20_000 }), 42);
doubler.kill('SIGKILL');
assert.equal((await doubler.wait())?.signal, 'SIGKILL');
