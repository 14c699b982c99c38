import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSocketPair, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import { type CloseReason, Connection, type ConnectionOptions, type Reactor } from '@millrace/reactor';
import { onTestFinished } from 'vitest';

/** The watchdog of everything that could hang, in milliseconds. */
const DEADLINE_MS = 20_000;

/** Turns until `condition` holds. */
export function turnUntil(reactor: Reactor, what: string, condition: () => boolean): void {
  const end = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Not within ${DEADLINE_MS} ms: ${what}`);
    reactor.turn(100);
  }
}

/** Two ends of a stream, closed with the test. */
export function streamPair(): [number, number] {
  const pair = createSocketPair(SOCK_STREAM);
  onTestFinished(() => {
    for (const fd of pair) syscalls.close(fd);
  });
  return pair;
}

/** What `fd` has to read now. */
export function received(fd: number): string {
  const memory = Buffer.alloc(1 << 20);
  const count = syscalls.receive(fd, memory, 0, memory.length);
  return memory.toString('latin1', 0, Math.max(count, 0));
}

/** A directory of this test's own. */
export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-reactor-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** What has happened to one connection. */
export interface Record {
  readonly frames: string[];
  readonly congestion: boolean[];
  ended: boolean;
  closed: CloseReason | undefined;
  error: Error | undefined;
}

/** A connection that keeps a record, over one end of a socket pair; the other end is plain. */
export function recorded(
  reactor: Reactor,
  options: Partial<ConnectionOptions> & { fd?: number; onFrame?: (connection: Connection) => void } = {},
): { connection: Connection; peer: number; record: Record } {
  const { fd: given, onFrame, handlers, ...rest } = options;
  const [fd, peer] = given === undefined ? createSocketPair(SOCK_STREAM) : [given, -1];
  if (peer >= 0) onTestFinished(() => void syscalls.close(peer));
  const record: Record = { frames: [], congestion: [], ended: false, closed: undefined, error: undefined };
  const connection = new Connection(reactor, fd, {
    ...rest,
    handlers: {
      onFrame: (own, memory, start, end) => {
        record.frames.push(memory.toString('latin1', start, end));
        onFrame?.(own);
      },
      onInputEnd: () => {
        record.ended = true;
      },
      onCongestion: (_own, congested) => record.congestion.push(congested),
      onClose: (_own, reason, error) => {
        record.closed = reason;
        record.error = error;
      },
      ...handlers,
    },
  });
  onTestFinished(() => connection.destroy());
  return { connection, peer, record };
}
