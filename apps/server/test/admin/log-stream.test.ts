import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { LogStream } from '../../src/admin/log-stream.js';
import { LogRing } from '../../src/shared/log-ring.js';
import { LOG_RING_BYTES, SLOTS } from '../../src/shared/log-ring-layout.js';

const line = (n: number) =>
  JSON.stringify({ level: 'info', time: 0, role: 'worker', id: 0, pid: 1, msg: `${n}` });

/** A log that grows by a line for each that is read. */
class GrowingRing extends LogRing {
  #written = 0;

  override read(...[position, most]: Parameters<LogRing['read']>) {
    const found = super.read(position, most);
    for (const _ of found.lines) this.say();
    return found;
  }

  say(): void {
    if (++this.#written > 20 * SLOTS) throw new Error('It is read without end.');
    this.write(line(this.#written));
  }
}

test('what is there of the log comes to an end, however fast processes write meanwhile', () => {
  const ring = new GrowingRing(new ArrayBuffer(LOG_RING_BYTES));
  ring.say();
  const written: string[] = [];
  const response = {
    writeHead: () => response,
    flushHeaders: () => {},
    write: (text: string) => written.push(text),
    end: () => written.push('end'),
  };
  const stream = new LogStream(ring, { all: () => [], mayWrite: () => true });
  stream.open({ follow: 'false', lines: 2 }, undefined)(response as unknown as ServerResponse);
  expect(written.join('').match(/^data: /gm)).toHaveLength(2);
  expect(written.at(-1)).toBe('end');
});
