import type { MechanismName } from './mechanisms.js';
import type { Kind } from './side.js';

export type Mode = 'one way' | 'round trip';

/** What the two processes of a measurement are told. */
export interface Arguments {
  readonly mechanism: MechanismName;
  readonly mode: Mode;
  readonly kind: Kind;
  /** Bytes of a message. */
  readonly size: number;
  readonly windowMs: number;
  /** Microseconds. */
  readonly spin: number;
}

export function writeArguments({ mechanism, mode, kind, size, windowMs, spin }: Arguments): string[] {
  return [mechanism, mode, kind, String(size), String(windowMs), String(spin)];
}

export function readArguments(): Arguments {
  const [mechanism, mode, kind, size, windowMs, spin] = process.argv.slice(2);
  return {
    mechanism: mechanism as MechanismName,
    mode: mode as Mode,
    kind: kind as Kind,
    size: Number(size),
    windowMs: Number(windowMs),
    spin: Number(spin),
  };
}
