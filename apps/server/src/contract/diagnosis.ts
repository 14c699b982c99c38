/**
 * What a process is asked about itself: to begin a CPU profile (`start`), to end it and write it down (`stop`) or forget it (`cancel`),
 * to write down a heap snapshot, to open its debugger and to close it. Shared memory has them by their place in this list, from 1 on.
 */
export const DIAGNOSES = ['start', 'stop', 'cancel', 'heap', 'open', 'close'] as const;
export type DiagnosisKind = (typeof DIAGNOSES)[number];

export function isDiagnosis(value: unknown): value is DiagnosisKind {
  return DIAGNOSES.includes(value as DiagnosisKind);
}

/** The process of that pid is to do that; it answers in shared memory (diagnosis-words.ts). */
export interface Diagnose {
  readonly type: 'diagnose';
  readonly pid: number;
  /** Counts the orders of the master: a process that hears of one twice obeys once. */
  readonly order: number;
  readonly kind: DiagnosisKind;
}
