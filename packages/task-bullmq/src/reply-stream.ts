import type { Reply } from '@millrace/task-broker';
import type { Redis } from 'ioredis';
import { ReplyWire } from './reply-wire.js';

/** Milliseconds that a stream outlives its caller. */
const EXPIRES_MS = 60_000;
const REFRESH_MS = 15_000;
/** Milliseconds that a read waits for something to come: less than the silence after which a connection is given up. */
const BLOCK_MS = 5_000;
/** Replies in one read. */
const BATCH = 500;
const TRIM_MS = 500;
const FIELD = 'm';

/**
 * A caller's replies. It reads on from where it stopped when the connection was lost; hosts write only where there is a stream, so
 * the replies to a caller that has gone are kept nowhere.
 */
export class ReplyStream {
  readonly #key: string;
  readonly #commands: Redis;
  readonly #reader: Redis;
  readonly #replied: (reply: Reply) => void;
  readonly #wire = new ReplyWire();
  #last = '0-0';
  #trimmed = '0-0';
  #refresh: NodeJS.Timeout | undefined;
  #trim: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #closed = false;

  constructor(key: string, commands: Redis, reader: Redis, replied: (reply: Reply) => void) {
    this.#key = key;
    this.#commands = commands;
    this.#reader = reader;
    this.#replied = replied;
  }

  /** Makes the stream, if it is not there, and reads it from here on. Called for each connection. */
  async open(): Promise<void> {
    await this.#keep();
    this.#refresh ??= setInterval(() => void this.#keep().catch(() => {}), REFRESH_MS).unref();
    this.#trim ??= setInterval(() => this.#trimRead(), TRIM_MS).unref();
    this.#reading ??= this.#read();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#refresh);
    clearInterval(this.#trim);
    await this.#commands.del(this.#key).catch(() => {});
    this.#reader.disconnect();
    await this.#reading;
  }

  async #keep(): Promise<void> {
    if ((await this.#commands.pexpire(this.#key, EXPIRES_MS)) === 1) return;
    await this.#commands.xadd(this.#key, '*', FIELD, '');
    await this.#commands.pexpire(this.#key, EXPIRES_MS);
  }

  async #read(): Promise<void> {
    while (!this.#closed) {
      try {
        const found = await this.#reader.xreadBuffer(
          'COUNT',
          BATCH,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          this.#key,
          this.#last,
        );
        for (const [, entries] of (found ?? []) as [Buffer, [Buffer, Buffer[]][]][])
          for (const [id, fields] of entries) this.#take(id.toString(), fields[1]);
      } catch {
        // The connection tells of it, and comes back.
        if (!this.#closed) await readyAgain(this.#reader);
      }
    }
  }

  #take(id: string, bytes: Buffer | undefined): void {
    this.#last = id;
    const reply = bytes && this.#wire.decode(bytes);
    if (reply !== undefined) this.#replied(reply);
  }

  /** Removes what was read. */
  #trimRead(): void {
    if (this.#trimmed === this.#last) return;
    this.#trimmed = this.#last;
    const [time, sequence] = this.#last.split('-') as [string, string];
    this.#commands.xtrim(this.#key, 'MINID', `${time}-${BigInt(sequence) + 1n}`).catch(() => {});
  }
}

async function readyAgain(client: Redis): Promise<void> {
  if (client.status === 'ready') return new Promise((resolve) => setImmediate(resolve));
  await new Promise<void>((resolve) => {
    client.once('ready', resolve);
    client.once('end', resolve);
  });
}
