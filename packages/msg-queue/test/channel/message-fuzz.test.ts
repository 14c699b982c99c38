import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTINUE, Frame, type TransportEvents } from '@millrace/channel';
import { expect, test } from 'vitest';
import * as layout from '../../src/channel/message-layout.js';
import { QueueTransport } from '../../src/channel/queue-transport.js';
import { makeSpillName, queueToken } from '../../src/channel/spill-name.js';
import type { PortEvents, QueuePort } from '../../src/queue/port.js';
import { random } from '../support.js';

const ROUNDS = process.env.MILLRACE_STRESS ? 1_000_000 : 30_000;
const MESSAGE_BYTES = 512;
const IDENTITY = 'posix:/millrace-fuzz';
const MAX_PAYLOAD = 4_096;

/** A queue that holds whatever the test puts in, without a kernel. */
class FakePort implements QueuePort {
  readonly title = 'The fuzzed queue';
  readonly messageSize = MESSAGE_BYTES;
  readonly outgoing = Buffer.alloc(MESSAGE_BYTES);
  readonly outgoingStart = 0;
  readonly incoming = Buffer.alloc(MESSAGE_BYTES);
  readonly incomingStart = 0;
  readonly tag = 0;
  next = -1;

  start(_events: PortEvents): void {}
  trySend(length: number): boolean {
    this.outgoing.copy(this.incoming, 0, 0, length);
    this.next = length;
    return true;
  }
  sendWhenRoom(): void {}
  withdraw(): boolean {
    return true;
  }
  tryReceive(): number {
    const length = this.next;
    this.next = -1;
    return length;
  }
  watch(): void {}
  count(): number {
    return 1;
  }
  setRef(): void {}
  close(): void {}
}

class FuzzedTransport extends QueueTransport {
  constructor(port: FakePort, directory: string) {
    const direction = { port, identity: IDENTITY, close: () => {} };
    super(direction, direction, 0, 0, { directory, maxMessageSize: MAX_PAYLOAD });
  }
}

const EVENTS: TransportEvents = { readable: () => {}, writable: () => {}, ended: () => {} };

test(`${ROUNDS} mutated messages are each a message or counted as bad: no crash, nothing larger than the limit, no file of others touched`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
  const next = random(Number(process.env.MILLRACE_SEED ?? 7));
  const below = (limit: number) => Math.floor(next() * limit);
  const port = new FakePort();
  const transport = new FuzzedTransport(port, directory);
  transport.start(EVENTS);
  const guarded = [makeSpillName(queueToken('posix:/other')), 'notes.txt'];
  for (const name of guarded) writeFileSync(join(directory, name), 'x'.repeat(600));
  const frame = new Frame();
  let visited = 0;
  let largest = 0;
  const visit = (_memory: Buffer, start: number, end: number) => {
    visited++;
    largest = Math.max(largest, end - start);
    return CONTINUE;
  };

  /** A valid message to begin with: inline, in a file, or one that names a file that is not for it. */
  const begin = (): void => {
    const kind = below(64);
    frame.setBody(Buffer.alloc(kind === 0 ? 500 + below(300) : below(400), kind));
    if (kind === 0 || kind > 8) {
      transport.trySend(frame);
      return;
    }
    layout.writeHeader(port.incoming, 0, layout.SPILLED);
    port.incoming.writeBigUInt64LE(600n, layout.LENGTH_AT);
    const name = guarded[below(2)] as string;
    port.next = layout.NAME_AT + port.incoming.write(name, layout.NAME_AT, 'latin1');
  };

  const mutate = () => {
    for (let changes = below(4); changes > 0 && port.next > 0; changes--) {
      // Half of the changes hit the header, where decisions are made.
      const at = below(next() < 0.5 ? Math.min(port.next, layout.NAME_AT) : port.next);
      const how = below(5);
      if (how === 0) port.incoming[at] = below(256);
      else if (how === 1) port.incoming[at] = (port.incoming[at] as number) ^ (1 << below(8));
      else if (how === 2) port.next = below(port.next + 1);
      else if (how === 3) port.next = Math.min(MESSAGE_BYTES, port.next + below(64));
      else port.incoming.copyWithin(at, below(port.next));
    }
  };

  try {
    for (let round = 0; round < ROUNDS; round++) {
      begin();
      mutate();
      const [before, badBefore] = [visited, transport.bad];
      const returned = transport.receive(visit, 1);
      const [gave, bad] = [visited - before, transport.bad - badBefore];
      if (gave !== returned || gave + bad !== 1) {
        expect.fail(
          `round ${round}: ${returned} said, ${gave} given, ${bad} bad: ${port.incoming.toString('hex')}`,
        );
      }
      // Files whose messages no longer name them are what a sweep is for.
      if (round % 1_000 === 0) {
        for (const name of readdirSync(directory)) {
          if (!guarded.includes(name)) rmSync(join(directory, name), { recursive: true });
        }
      }
    }
    expect(largest).toBeLessThanOrEqual(MAX_PAYLOAD);
    expect(visited).toBeGreaterThan(ROUNDS / 10);
    expect(transport.bad).toBeGreaterThan(ROUNDS / 10);
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(guarded));
  } finally {
    transport.close();
    rmSync(directory, { recursive: true });
  }
}, 600_000);
