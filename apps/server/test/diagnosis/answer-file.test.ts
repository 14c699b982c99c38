import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { openAnswerFile } from '../../src/diagnosis/answer-file.js';
import { AdminServer } from '../admin/admin-client.js';

/** Of the kernel's: nothing can be made there, whoever asks. */
const CLOSED = '/proc';

test('the file for answers has no name, and is in the first directory that takes one', () => {
  const fd = openAnswerFile([CLOSED, tmpdir()]);
  if (typeof fd !== 'number') throw fd;
  expect(fstatSync(fd).nlink).toBe(0);
  writeSync(fd, 'answer');
  const read = Buffer.alloc(6);
  readSync(fd, read, 0, 6, 0);
  expect(read.toString()).toBe('answer');
  closeSync(fd);
});

test('where no directory takes one it says why, and throws nothing', () => {
  expect(openAnswerFile([CLOSED, '/proc/self'])).toBeInstanceOf(Error);
});

test('a server whose temporary directory cannot be written starts, and can be profiled', async () => {
  await using server = await AdminServer.started({}, { TMPDIR: CLOSED });
  const { status, body } = await server.post('/v1/processes/worker:0/profile', { seconds: 0.2 });
  expect(status).toBe(200);
  expect(body.nodes.length).toBeGreaterThan(0);
});
