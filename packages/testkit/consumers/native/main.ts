import assert from 'node:assert/strict';
import { createMemory, MappedMemory, SystemCallError } from '@millrace/native';
import { syscalls } from '@millrace/native/syscalls';

const memory = new MappedMemory(createMemory('consumer', 4_096), 4_096);
new Uint8Array(memory.buffer)[7] = 42;
assert.equal(new Uint8Array(memory.buffer)[7], 42);
memory.close();
assert.ok(syscalls.eventfd() > 2);
assert.ok(new SystemCallError('close', 9, 'a test').message.includes('EBADF'));
