import assert from 'node:assert/strict';
import { ManagedProcess } from '@millrace/process-pool/process';

const doubler = new ManagedProcess<number, number>(new URL('./child.js', import.meta.url));
doubler.start();
doubler.write(21);
assert.equal(await doubler.read({ timeout: 20_000 }), 42);
doubler.kill('SIGKILL');
assert.equal((await doubler.wait())?.signal, 'SIGKILL');
