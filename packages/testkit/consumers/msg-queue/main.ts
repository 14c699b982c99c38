import assert from 'node:assert/strict';
import { PosixQueue, SystemVQueue } from '@millrace/msg-queue';

const name = `/millrace-consumer-${process.pid}`;
const jobs = PosixQueue.openOrCreate(name, { maxMessages: 4, messageSize: 128 });
try {
  jobs.trySend(Buffer.from('low'), 1);
  jobs.trySend(Buffer.from('high'), 9);
  assert.equal((await jobs.receive({ timeout: 5_000 }))?.data.toString(), 'high');
} finally {
  jobs.close();
  PosixQueue.unlink(name);
}
const events = SystemVQueue.openOrCreate({ path: '/etc/hostname', project: process.pid & 0xff || 1 });
try {
  events.trySend(Buffer.from('hello'), 2);
  assert.equal((await events.receive({ type: 2, timeout: 5_000 }))?.data.toString(), 'hello');
} finally {
  events.free();
}
