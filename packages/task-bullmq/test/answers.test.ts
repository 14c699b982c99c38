import type { Reply } from '@millrace/task-broker';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Answers } from '../src/answers.js';
import { connect } from '../src/connection.js';
import { resolveBullmqOptions } from '../src/options.js';
import { ReplyWire } from '../src/reply-wire.js';
import { TestRedis, whyNoRedis } from './redis.js';

const JOB = 'bull:tasks:a';
const STREAM = 'replies';
const ANSWER: Reply = {
  id: 'a',
  kind: 'done',
  attempt: 2,
  host: 'host',
  sequence: 0,
  ran: 1.5,
  body: Buffer.of(1, 7),
};

describe.skipIf(whyNoRedis())('an answer behind its settlement', () => {
  const server = new TestRedis();
  let redis: Redis;
  let answers: Answers;

  beforeAll(async () => {
    await server.start();
    redis = connect(resolveBullmqOptions({ connection: server.connection }), true);
    await redis.connect();
    answers = new Answers(redis);
  });
  afterAll(async () => {
    redis?.disconnect();
    await server.remove();
  });
  beforeEach(async () => {
    await redis.flushall();
    await redis.xadd(STREAM, '*', 'm', '');
  });

  const send = (claims: number) => answers.sendBehind(STREAM, JOB, claims, ANSWER);
  async function sent(): Promise<(Reply | undefined)[]> {
    const entries = await redis.xrangeBuffer(STREAM, '-', '+');
    return entries.slice(1).map(([, fields]) => new ReplyWire().decode(fields[1] as Buffer));
  }

  test('is in the stream of its caller when the job has ended in this claim', async () => {
    await redis.hset(JOB, { ats: 2, finishedOn: 1 });
    expect(await send(2)).toBe(true);
    expect(await sent()).toEqual([ANSWER]);
  });

  test('is nowhere while the job has not ended, when another claim has ended it, or when there is no job', async () => {
    await redis.hset(JOB, { ats: 2 });
    expect(await send(2)).toBe(false);
    await redis.hset(JOB, { ats: 3, finishedOn: 1 });
    expect(await send(2)).toBe(false);
    await redis.del(JOB);
    expect(await send(2)).toBe(false);
    expect(await sent()).toEqual([]);
  });

  test('is kept for no caller that has gone', async () => {
    await redis.del(STREAM);
    await redis.hset(JOB, { ats: 2, finishedOn: 1 });
    expect(await send(2)).toBe(true);
    expect(await redis.exists(STREAM)).toBe(0);
  });

  test('comes behind what is asked for after it in the same turn, by promises', async () => {
    await redis.hset(JOB, { ats: 2 });
    const isSent = send(2);
    await Promise.resolve();
    await Promise.resolve();
    void redis.hset(JOB, { finishedOn: 1 });
    expect(await isSent).toBe(true);
    expect(await sent()).toEqual([ANSWER]);
  });

  test('goes out with it in one write', async () => {
    await redis.hset(JOB, { ats: 2 });
    await send(2);
    const before = await writes();
    const isSent = send(2);
    void redis.hset(JOB, { finishedOn: 1 });
    expect(await isSent).toBe(true);
    // One of them is of the question itself.
    expect((await writes()) - before).toBe(2);
  });

  /** How often the server has read something from its clients. */
  async function writes(): Promise<number> {
    const info = await redis.info('stats');
    return Number(/total_reads_processed:(\d+)/.exec(info)?.[1]);
  }
});
