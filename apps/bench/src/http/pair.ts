import type { HttpProgram, Manner, ProgramName } from './programs.js';

/** One of ours beside a peer. */
export interface Pair {
  readonly ours: HttpProgram;
  readonly peer: HttpProgram;
  /** What the peer is to be beaten by. */
  readonly rate?: number;
  /** Of the processor time: 1 / 0.7 is a bar of 0.7 of the peer's. */
  readonly cpu?: number;
  /** The program, where what there is to reach is told. Default: it is not. */
  readonly limit?: ProgramName;
  /** What the short chart calls the rate with few connections. */
  readonly headline?: string;
}

type Mode = Manner['mode'];

/** One reactor thread and so many workers. */
export function manner(mode: Mode, workers: number): Manner {
  return { mode, workers };
}
