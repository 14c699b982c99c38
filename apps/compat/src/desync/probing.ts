import { serverHasRead } from '../wire/round-trip.js';
import { type End, type Target, Wire } from '../wire/wire.js';
import type { Probe } from './probes.js';

/** What is asked of a server whose processes die waits for the next ones. */
const KILLED_MS = 30_000;

/** Every byte that came back until the connection ended, less what is of the mode. */
export type RawAnswer = string;

/** Sends a probe in one piece, then nothing more. */
export async function probeOnce(target: Target, { bytes }: Probe): Promise<RawAnswer> {
  const [answer] = await probeParts(target, [[bytes]]);
  return answer as RawAnswer;
}

/** Sends a probe in two parts, split at every byte; each split has a connection of its own. */
export function probeSplit(target: Target, { bytes }: Probe): Promise<RawAnswer[]> {
  const splits = Array.from({ length: bytes.length - 1 }, (_, at) => [
    bytes.subarray(0, at + 1),
    bytes.subarray(at + 1),
  ]);
  return probeParts(target, splits);
}

/** As {@link probeSplit}; `between` runs once, when a server has read the first part of all. */
export async function probeAround(
  target: Target,
  { bytes }: Probe,
  between: () => Promise<void>,
): Promise<{ readonly answer: RawAnswer; readonly end: End }[]> {
  const wires = await Promise.all(Array.from({ length: bytes.length }, () => Wire.connect(target)));
  try {
    await Promise.all(wires.map((wire, at) => wire.send(bytes.subarray(0, at + 1))));
    await between();
    await Promise.all(wires.map((wire, at) => wire.send(bytes.subarray(at + 1))));
    for (const wire of wires) wire.finish();
    await Promise.all(wires.map((wire) => wire.over(KILLED_MS)));
    return wires.map(({ received, end }) => ({ answer: steadyAnswer(received.toString('latin1')), end }));
  } finally {
    for (const wire of wires) wire[Symbol.dispose]();
  }
}

async function probeParts(target: Target, all: readonly (readonly Buffer[])[]): Promise<RawAnswer[]> {
  const wires = await Promise.all(all.map(() => Wire.connect(target)));
  try {
    const parts = Math.max(...all.map(({ length }) => length));
    for (let part = 0; part < parts; part++) {
      await Promise.all(wires.map((wire, at) => wire.send(all[at]?.[part] ?? '')));
      await serverHasRead(target);
    }
    for (const wire of wires) wire.finish();
    await Promise.all(wires.map((wire) => wire.over()));
    return wires.map((wire) => steadyAnswer(wire.received.toString('latin1')));
  } finally {
    for (const wire of wires) wire[Symbol.dispose]();
  }
}

/**
 * Less the default of `keepAliveTimeout`, which is Millrace's own in process mode (`test/differences.test.ts`), and the time of what Node
 * answers by itself.
 */
function steadyAnswer(answer: string): RawAnswer {
  return answer
    .replaceAll(/^(Keep-Alive: timeout=)\d+/gm, '$1(the default)')
    .replaceAll(/^(Date: ).*$/gm, '$1(a date)');
}
