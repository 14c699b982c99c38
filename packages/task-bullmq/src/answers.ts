import type { Reply } from '@millrace/task-broker';
import type { Redis } from 'ioredis';
import { ReplyWire } from './reply-wire.js';

/** Replies that a caller's stream holds at most: of what is beyond, answers are looked up. */
const MOST_REPLIES = 100_000;
const FIELD = 'm';

/** What the script says: the job is not settled by this attempt. */
const NOT_SETTLED = 0;
/**
 * Adds an answer to a caller's stream where the job has ended in this attempt: `ats` counts its claims. A stream that is not there is
 * a caller that has gone.
 */
const ANSWER = `
if redis.call('HGET', KEYS[1], 'ats') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], 'finishedOn') == 0 then return ${NOT_SETTLED} end
redis.call('XADD', KEYS[2], 'NOMKSTREAM', 'MAXLEN', '~', ARGV[2], '*', '${FIELD}', ARGV[3])
return 1`;

interface Scripted {
  millraceAnswer(job: string, stream: string, claims: number, most: number, reply: Buffer): Promise<number>;
}

/** What a host says to the callers of its tasks. */
export class Answers {
  readonly #redis: Redis & Scripted;
  readonly #wire = new ReplyWire();

  constructor(redis: Redis) {
    redis.defineCommand('millraceAnswer', { numberOfKeys: 2, lua: ANSWER });
    this.#redis = redis as Redis & Scripted;
  }

  async send(stream: string, reply: Reply): Promise<void> {
    const bytes = this.#wire.encode(reply);
    await this.#redis.xadd(stream, 'NOMKSTREAM', 'MAXLEN', '~', MOST_REPLIES, '*', FIELD, bytes);
  }

  /**
   * Sends an answer behind the settlement that is being asked for, in the same write. False: Redis came to the answer first, or has
   * the job no more; then it is sent when the settlement is known.
   */
  async sendBehind(stream: string, job: string, claims: number, reply: Reply): Promise<boolean> {
    const bytes = this.#wire.encode(reply);
    // BullMQ asks after some promises, and none of them waits for anything outside of this process: they are over by the next tick.
    const said = await new Promise<number>((resolve, reject) =>
      process.nextTick(() => {
        this.#redis.millraceAnswer(job, stream, claims, MOST_REPLIES, bytes).then(resolve, reject);
      }),
    );
    return said !== NOT_SETTLED;
  }
}
