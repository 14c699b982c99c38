/**
 * Two rings without a channel between two processes that look for messages without a pause: what the ring itself takes.
 * Arguments: bytes of a message, how many; the process that is started without a third prints the figures.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CONTINUE, Frame } from '@millrace/channel';
import { createMemory, MappedMemory } from '@millrace/native';
import { openRing, RingReader, RingWriter, ringBytes } from '@millrace/shared-memory/ring';

const CAPACITY = 1 << 20;
const LENGTH = 2 * ringBytes(CAPACITY);
/** Where a child finds the first descriptor that it inherits. */
const INHERITED = 3;

const [sizeText, countText, role] = process.argv.slice(2) as [string, string, string?];
const size = Number(sizeText);
const count = Number(countText);
const memory = role === undefined ? createMemory('bare ring', LENGTH) : INHERITED;
const { buffer } = new MappedMemory(memory, LENGTH);
const rings = [0, 1].map((index) => openRing(buffer, index * ringBytes(CAPACITY), CAPACITY));
const side = role === undefined ? 0 : 1;
const writer = new RingWriter(rings[side] as (typeof rings)[0]);
const reader = new RingReader(rings[1 - side] as (typeof rings)[0], CAPACITY);
const message = new Frame();
const body = Buffer.alloc(size, 1);
/** The message is where it lies; a reader that wants to keep it copies it. */
const look = () => CONTINUE;

function send(): void {
  message.setBody(body);
  writer.tryWrite(message);
}

function receive(): void {
  while (reader.read(look, 1) === 0);
}

/** Microseconds of one of `trips` there and back. */
function roundTrips(trips: number): number {
  const started = performance.now();
  for (let i = 0; i < trips; i++) {
    send();
    receive();
  }
  return ((performance.now() - started) * 1_000) / trips;
}

if (role === undefined) {
  spawn(process.execPath, [fileURLToPath(import.meta.url), sizeText, countText, 'peer'], {
    stdio: ['ignore', 'inherit', 'inherit', memory],
  });
  roundTrips(count);
  console.log(JSON.stringify({ microseconds: roundTrips(count) }));
} else {
  for (let i = 0; i < 2 * count; i++) {
    receive();
    send();
  }
}
process.exit();
